import { Referred, type RecordRefFragment, type RevisionEntryFragment } from '../api/documents';
import { useQuery } from '../api/queries';
import { t } from '../texts';
import './diff.css';
import { RecordLink } from './record-link';

type Change = RevisionEntryFragment['diff'][number];

/** What a revision changed, field by field, in words of the API; values that only the database knows are left out. */
export function Diff({ of }: { of: Change[] }) {
  const named = of.filter(({ name }) => name !== null);
  const ids = [...new Set(named.flatMap(({ beforeId, afterId }) => [beforeId, afterId].filter((id) => id !== null)))];
  const { data } = useQuery(Referred, { ids }, { enabled: ids.length > 0 });
  if (named.length === 0) return null;
  const records = new Map(data?.nodes.flatMap((one) => (one && 'slug' in one ? [[one.id, one]] : [])));
  return (
    <table className="diff">
      <tbody>
        {named.map((change) => (
          <tr key={change.field}>
            <th scope="row">{t.field(change.name!)}</th>
            <td dir="auto">
              {(change.beforeId || change.afterId) && data ? (
                <References change={change} records={records} />
              ) : (
                <Words {...wordsThatDiffer(t.value(change.before ?? ''), t.value(change.after ?? ''))} />
              )}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

/** The records that a field referred to before and after. */
const References = ({ change, records }: { change: Change; records: Map<string, RecordRefFragment> }) => (
  <>
    {change.beforeId && (
      <del>
        <RecordLink record={records.get(change.beforeId)} />
      </del>
    )}
    {change.beforeId && change.afterId && ' '}
    {change.afterId && (
      <ins>
        <RecordLink record={records.get(change.afterId)} />
      </ins>
    )}
  </>
);

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
