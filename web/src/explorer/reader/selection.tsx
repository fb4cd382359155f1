import { type RefObject, useEffect, useState } from 'react';
import { Link } from '../router';
import { t } from '../texts';

/** How many characters around marked words go with them, so that they are found again. */
const AROUND = 40;

interface Marked {
  quote: string;
  prefix: string;
  suffix: string;
  locator: string;
}

/** Offers to cite the words that are marked in the text. */
export function CiteSelection({ slug, text }: { slug: string; text: RefObject<HTMLElement | null> }) {
  const [marked, mark] = useState<Marked | null>(null);
  useEffect(() => {
    const look = () => mark(markedIn(text.current));
    document.addEventListener('selectionchange', look);
    return () => document.removeEventListener('selectionchange', look);
  }, [text]);
  if (!marked) return null;
  const citation = new URLSearchParams({ source: slug, ...marked });
  return (
    <aside className="cite" aria-label={t.reader.cite}>
      <q dir="auto">{marked.quote}</q>
      <Link to={`new/statement?${citation}`}>{t.reader.citeIn(t.types.Statement.one)}</Link>
      <Link to={`new/commentary?${citation}`}>{t.reader.citeIn(t.types.Commentary.one)}</Link>
      <Link to={`new/meeting?${citation}`}>{t.reader.citeIn(t.types.Meeting.one)}</Link>
      <Link to={`new/actor?${citation}`}>{t.reader.citeIn(t.types.Actor.one)}</Link>
    </aside>
  );
}

/** The marked words, if they lie within one line of the text. */
function markedIn(text: HTMLElement | null): Marked | null {
  const selection = getSelection();
  const node = selection?.anchorNode;
  const line = node?.parentElement?.closest<HTMLElement>('[data-start]');
  if (!selection || selection.isCollapsed || !line || node !== selection.focusNode || !text?.contains(line))
    return null;
  const [from, to] = [selection.anchorOffset, selection.focusOffset].sort((one, other) => one - other) as [
    number,
    number,
  ];
  const words = node?.textContent ?? '';
  const quote = words.slice(from, to).trim();
  if (!quote) return null;
  const start = words.indexOf(quote, from);
  return {
    quote,
    prefix: words.slice(Math.max(0, start - AROUND), start),
    suffix: words.slice(start + quote.length, start + quote.length + AROUND),
    locator: `L${line.parentElement?.querySelector('.line')?.textContent ?? ''}`,
  };
}
