import type { RecordRefFragment } from '../api/documents';
import { Link, useAddress } from '../router';
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

/** The address of the list of a type's records. */
export const placeOfAll = (type: RecordType) => PLACES[type];

export const typeAt = (place: string) => (Object.keys(PLACES) as RecordType[]).find((type) => PLACES[type] === place);

/** Whether an address is that of a record itself. */
export const isShown = ({ __typename, slug }: Pick<RecordRefFragment, '__typename' | 'slug'>, segments: string[]) =>
  segments.length === 2 && segments[0] === PLACES[__typename] && segments[1] === slug;

type Named = Pick<RecordRefFragment, '__typename' | 'slug' | 'label'>;

/** A link to a record, by its label in whatever script. A deleted record has none, nor has the one that is shown. */
export function RecordLink({ record }: { record: Named | null | undefined }) {
  const { segments } = useAddress();
  if (!record) return <span className="soft">{t.deletedRecord}</span>;
  if (isShown(record, segments)) return <bdi>{record.label}</bdi>;
  return (
    <Link to={placeOf(record)}>
      <bdi>{record.label}</bdi>
    </Link>
  );
}
