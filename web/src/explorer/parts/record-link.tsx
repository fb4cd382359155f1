import type { RecordRefFragment } from '../api/documents';
import { Link } from '../router';
import { t } from '../texts';

export type RecordType = RecordRefFragment['__typename'];

/** The first word of the addresses of a type's records. */
const PLACES: Record<RecordType, string> = {
  Actor: 'actors',
  Commentary: 'commentaries',
  Division: 'divisions',
  Event: 'events',
  Meeting: 'meetings',
  Motion: 'motions',
  Position: 'positions',
  Relation: 'relations',
  Source: 'sources',
  Statement: 'statements',
  Topic: 'topics',
  Vote: 'votes',
};

export const placeOf = ({ __typename, slug }: Pick<RecordRefFragment, '__typename' | 'slug'>) =>
  `${PLACES[__typename]}/${encodeURIComponent(slug)}`;

export const typeAt = (place: string) => (Object.keys(PLACES) as RecordType[]).find((type) => PLACES[type] === place);

type Named = Pick<RecordRefFragment, '__typename' | 'slug' | 'label'>;

/** A link to a record, by its label in whatever script; a deleted record has none. */
export function RecordLink({ record }: { record: Named | null | undefined }) {
  if (!record) return <span className="soft">{t.deletedRecord}</span>;
  return (
    <Link to={placeOf(record)}>
      <bdi>{record.label}</bdi>
    </Link>
  );
}
