import { type RefObject, useEffect, useState } from 'react';
import { Link } from '../router';
import { t } from '../texts';
import { type Row, lengthOf } from './rows';

/** How many characters around marked words go with them, so that they are found again. */
const AROUND = 40;
/** Longer passages are cited by their position alone. */
const LONGEST_QUOTE = 2000;
const SHOWN = 240;

/** A text as it is shown, with its version. */
export interface Content {
  content: string;
  version: number;
}

interface Props {
  slug: string;
  text: RefObject<HTMLElement | null>;
  rows: Row[];
  whole: Content;
}

/** Offers to cite the words that are marked in the text. */
export function CiteSelection({ slug, text, rows, whole }: Props) {
  const [marked, mark] = useState<Marked | null>(null);
  useEffect(() => {
    const look = () => mark(markedIn(text.current, rows, whole.content));
    document.addEventListener('selectionchange', look);
    return () => document.removeEventListener('selectionchange', look);
  }, [text, rows, whole]);
  if (!marked) return null;
  const { words, ...place } = marked;
  const citation = new URLSearchParams({ source: slug, ...place, version: String(whole.version) });
  return (
    <aside className="cite" aria-label={t.reader.cite}>
      <q dir="auto">{words.length > SHOWN ? `${words.slice(0, SHOWN)}…` : words}</q>
      <Link to={`new/statement?${citation}`}>{t.reader.citeIn(t.types.Statement.one)}</Link>
      <Link to={`new/commentary?${citation}`}>{t.reader.citeIn(t.types.Commentary.one)}</Link>
      <Link to={`new/meeting?${citation}`}>{t.reader.citeIn(t.types.Meeting.one)}</Link>
      <Link to={`new/actor?${citation}`}>{t.reader.citeIn(t.types.Actor.one)}</Link>
    </aside>
  );
}

/** Marked words and where they stand, as a citation says it. */
interface Marked extends Record<string, string> {
  words: string;
  locator: string;
  start: string;
  end: string;
}

/** The words that are marked, on one line of the text or on several. */
function markedIn(text: HTMLElement | null, rows: Row[], content: string): Marked | null {
  const selection = getSelection();
  if (!text || !selection || selection.isCollapsed || selection.rangeCount === 0) return null;
  const range = selection.getRangeAt(0);
  const lines = [...text.querySelectorAll<HTMLElement>('[data-start]')].filter((line) => range.intersectsNode(line));
  const [from, until] = [pointOf(lines[0], rows, range, 'start'), pointOf(lines.at(-1), rows, range, 'end')];
  if (from === undefined || until === undefined) return null;
  const between = content.slice(from, until);
  const words = between.trim();
  if (!words) return null;
  const begin = from + between.indexOf(words);
  const [first, last] = [rowAt(rows, begin), rowAt(rows, begin + words.length - 1)];
  if (!first || !last) return null;
  const start = first.start + lengthOf(content.slice(first.units, begin));
  const quoted = words.length <= LONGEST_QUOTE && {
    quote: words,
    prefix: unbroken(content.slice(Math.max(0, begin - AROUND), begin)),
    suffix: unbroken(content.slice(begin + words.length, begin + words.length + AROUND)),
  };
  return {
    words,
    ...quoted,
    locator: first === last ? `L${first.label}` : `L${first.label}-L${last.label}`,
    start: String(start),
    end: String(start + lengthOf(words)),
  };
}

/** Where in the text a range begins or ends that goes through a line, or up to where the line does. */
function pointOf(line: HTMLElement | undefined, rows: Row[], range: Range, edge: 'start' | 'end'): number | undefined {
  const row = line && rows.find(({ start }) => start === Number(line.dataset['start']));
  if (!row) return undefined;
  const [node, offset] = [range[`${edge}Container`], range[`${edge}Offset`]];
  const isWithin = node === line.firstChild;
  // A line that is marked by a triple click ends where the next element begins.
  const isBefore = edge === 'start' || (node === line && offset === 0);
  return row.units! + (isWithin ? offset : isBefore ? 0 : (row.text?.length ?? 0));
}

const rowAt = (rows: Row[], unit: number) => rows.findLast(({ units }) => units !== undefined && units <= unit);

/** A part of a text without the halves of characters at its ends. */
const unbroken = (part: string) => part.replace(/^[\udc00-\udfff]|[\ud800-\udbff]$/g, '');
