import type { ReaderCitationFragment as Citation } from '../api/documents';

/** A part of a source, with what cites it. */
export interface Row {
  /** Its line, or the locator that leads to it. */
  label: string;
  text: string | null;
  /** How many characters of the text stand before it. */
  start: number;
  /** The same in UTF-16 units, if the whole text is there. */
  units?: number;
  citations: Citation[];
}

/** The lines of a whole text, each with the citations that begin in it; last those that have no place in the text. */
export function linesOf(content: string, citations: Citation[]): Row[] {
  let [start, units] = [0, 0];
  const rows = content.split('\n').map((text, at): Row => {
    const row = { label: String(at + 1), text, start, units, citations: [] };
    start += lengthOf(text) + 1;
    units += text.length + 1;
    return row;
  });
  const [placed, others] = partition(citations, ({ passage }) => typeof passage?.start === 'number');
  for (const citation of placed) lineAt(rows, citation.passage!.start!)?.citations.push(citation);
  return [...rows.filter(({ text }) => text), ...locatorsOf(others)];
}

/** The passages that are cited, where the whole text is not there to be read. */
export function passagesOf(citations: Citation[]): Row[] {
  const [placed, others] = partition(citations, ({ passage }) => typeof passage?.start === 'number');
  const rows = new Map<string, Row>();
  for (const citation of placed) {
    const { text, start, end } = citation.passage!;
    const key = `${start} ${end}`;
    const row = rows.get(key) ?? { label: citation.locator, text, start: start!, citations: [] };
    row.citations.push(citation);
    rows.set(key, row);
  }
  return [...[...rows.values()].sort((one, other) => one.start - other.start), ...locatorsOf(others)];
}

const byLocator = new Intl.Collator('en', { numeric: true });

/** Citations of words that are not there, by locator. */
function locatorsOf(citations: Citation[]): Row[] {
  const rows = new Map<string, Row>();
  for (const citation of citations) {
    const row = rows.get(citation.locator) ?? {
      label: citation.locator,
      text: citation.quote,
      start: -1,
      citations: [],
    };
    row.citations.push(citation);
    rows.set(citation.locator, row);
  }
  return [...rows.values()].sort((one, other) => byLocator.compare(one.label, other.label));
}

/** The last row that begins at or before a character. */
export function lineAt(rows: Row[], character: number): Row | undefined {
  let [low, high] = [0, rows.length - 1];
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (rows[middle]!.start <= character) low = middle;
    else high = middle - 1;
  }
  return rows[low];
}

function partition<One>(all: One[], test: (one: One) => boolean): [One[], One[]] {
  return [all.filter(test), all.filter((one) => !test(one))];
}

/** The characters of a text as Unicode counts them, accents apart. */
const charactersOf = (text: string) => Array.from(text);

/** The API counts characters, JavaScript UTF-16 units. */
export const lengthOf = (text: string) => (isSimple(text) ? text.length : charactersOf(text).length);

export const unitsOf = (text: string, characters: number) =>
  isSimple(text) ? characters : charactersOf(text).slice(0, characters).join('').length;

const isSimple = (text: string) => !/[\ud800-\udfff]/.test(text);
