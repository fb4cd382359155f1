import type { RevisionEntryFragment } from '../api/documents';
import { t } from '../texts';
import './diff.css';

/** What a revision changed, field by field, in words of the API; values that only the database knows are left out. */
export function Diff({ of }: { of: RevisionEntryFragment['diff'] }) {
  const named = of.filter(({ name }) => name !== null);
  if (named.length === 0) return null;
  return (
    <table className="diff">
      <tbody>
        {named.map(({ field, name, before, after }) => (
          <tr key={field}>
            <th scope="row">{t.field(name!)}</th>
            <td dir="auto">
              <Words {...wordsThatDiffer(before ?? '', after ?? '')} />
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

const Words = ({ first, removed, added, last }: ReturnType<typeof wordsThatDiffer>) => (
  <>
    {first}
    {removed && <del>{removed}</del>}
    {removed && added && ' '}
    {added && <ins>{added}</ins>}
    {last}
  </>
);

const wordsOf = (text: string): string[] => text.match(/\s*\S+/g) ?? [];

/** Two texts as the words that both begin with, those of one, those of the other, and those that both end with. */
export function wordsThatDiffer(before: string, after: string) {
  const [one, other] = [wordsOf(before), wordsOf(after)];
  const shorter = Math.min(one.length, other.length);
  let first = 0;
  while (first < shorter && one[first] === other[first]) first += 1;
  let last = 0;
  while (last < shorter - first && one[one.length - 1 - last] === other[other.length - 1 - last]) last += 1;
  const between = (words: string[]) => words.slice(first, words.length - last).join('');
  return {
    first: one.slice(0, first).join(''),
    removed: between(one),
    added: between(other),
    last: one.slice(one.length - last, one.length).join(''),
  };
}
