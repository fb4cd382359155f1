import * as format from '../format';

/** A partial date or a period, as exact as it is known. */
export function When({ from, until }: { from?: string | null; until?: string | null | undefined }) {
  const said = format.period(from, until === undefined ? from : until);
  return said ? <time dateTime={from ?? until ?? ''}>{said}</time> : null;
}
