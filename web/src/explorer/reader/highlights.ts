import { type RefObject, useEffect } from 'react';
import { type Row, lineAt, unitsOf } from './rows';

export interface Span {
  start: number;
  end: number;
}

/** Paints passages of the text under a name that the style sheet knows, without touching the text's elements. */
export function useHighlight(name: string, text: RefObject<HTMLElement | null>, rows: Row[], spans: Span[]) {
  useEffect(() => {
    if (!('highlights' in CSS) || !text.current) return undefined;
    const lines = rows.filter(({ start }) => start >= 0);
    const elements = new Map<number, Node>();
    for (const element of text.current.querySelectorAll<HTMLElement>('[data-start]')) {
      if (element.firstChild) elements.set(Number(element.dataset['start']), element.firstChild);
    }
    const ranges = spans.flatMap(({ start, end }) => {
      const [first, last] = [lineAt(lines, start), lineAt(lines, Math.max(start, end - 1))];
      const [from, to] = [first && elements.get(first.start), last && elements.get(last.start)];
      if (!first || !last || !from || !to) return [];
      const range = new StaticRange({
        startContainer: from,
        startOffset: bounded(from, unitsOf(first.text ?? '', start - first.start)),
        endContainer: to,
        endOffset: bounded(to, unitsOf(last.text ?? '', end - last.start)),
      });
      return [range];
    });
    CSS.highlights.set(name, new Highlight(...ranges));
    return () => void CSS.highlights.delete(name);
  }, [name, text, rows, spans]);
}

const bounded = (node: Node, offset: number) => Math.max(0, Math.min(offset, node.textContent?.length ?? 0));
