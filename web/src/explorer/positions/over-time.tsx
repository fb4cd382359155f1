import { useEffect } from 'react';
import { StancesOverTime, type StancesOverTimeQuery } from '../api/documents';
import { usePages } from '../api/queries';
import { Loading, Refused } from '../parts/answer';
import { Matrix } from '../parts/matrix';
import { RecordLink, placeOf } from '../parts/record-link';
import { useAsOf } from '../router';
import { t } from '../texts';
import { Mark } from './mark';

type Position = StancesOverTimeQuery['positions']['nodes'][number];

/** Since when a position is known: since it is held, else since the first evidence for it. */
function since({ heldFrom, evidenceItems }: Position): string | null {
  const dates = evidenceItems.flatMap(({ role, evidence }) => (role === 'SUPPORTS' ? (dateOf(evidence) ?? []) : []));
  return heldFrom ?? dates.sort()[0] ?? null;
}

function dateOf(evidence: Position['evidenceItems'][number]['evidence']) {
  switch (evidence.__typename) {
    case 'Statement':
      return evidence.saidOn;
    case 'Commentary':
      return evidence.source.publishedOn;
    case 'Vote':
      return evidence.division.heldOn;
  }
}

const yearOf = (date: string | null | undefined) => (date ? Number(date.split('-')[0]) : undefined);

/** At most so many positions are looked at. */
const MOST = 1000;
const UNKNOWN = 'unknown';

/** The stances of each actor on a topic, year by year. */
export function OverTime({ topic, holders }: { topic: string; holders: string[] }) {
  const holder = holders.length > 0 ? { slug: { in: holders } } : null;
  const filter = { topic: { slug: { equals: topic } }, holder };
  const found = usePages(StancesOverTime, { filter, asOf: useAsOf() }, (data) => data.positions);
  const positions = found.data?.pages.flatMap((page) => page.positions.nodes) ?? [];
  const goesOn = found.hasNextPage && !found.isFetchingNextPage && positions.length < MOST;
  const { fetchNextPage } = found;
  useEffect(() => {
    if (goesOn) void fetchNextPage();
  }, [goesOn, fetchNextPage]);
  if (found.error) return <Refused error={found.error} retry={() => void found.refetch()} />;
  if (!found.data) return <Loading />;

  const years = yearsOf(positions);
  const hasUnknown = positions.some((one) => since(one) === null);
  const columns = [...years.map(String), ...(hasUnknown ? [UNKNOWN] : [])];
  const byHolder = Map.groupBy(positions, (one) => one.holder.slug);
  return (
    <section className="section">
      <h2>{t.stands.overTime}</h2>
      <p className="small soft">{t.stands.overTimeExplained}</p>
      <Matrix
        isAtEnd
        caption={t.stands.overTime}
        columns={columns.map((key) => ({ key, name: key === UNKNOWN ? t.unknownDate : key }))}
        rows={[...byHolder].map(([key, [first]]) => ({ key, name: <RecordLink record={first!.holder} /> }))}
        cell={(holder, column) => {
          const held = byHolder.get(holder) ?? [];
          const begun = held.filter((one) => String(yearOf(since(one)) ?? UNKNOWN) === column);
          const going = begun.length === 0 && column !== UNKNOWN && heldIn(held, Number(column));
          if (going) return <span className="goes-on" data-stance={going.stance} title={going.label} />;
          return begun.map((one) => <Mark key={one.id} stance={one.stance} name={one.label} to={placeOf(one)} />);
        }}
      />
    </section>
  );
}

/** All years from the first to the last that a position is known in. */
function yearsOf(positions: Position[]): number[] {
  const known = positions.flatMap((one) => [yearOf(since(one)) ?? [], yearOf(one.heldUntil) ?? []].flat());
  if (known.length === 0) return [];
  const first = Math.min(...known);
  return Array.from({ length: Math.max(...known) - first + 1 }, (_, at) => first + at);
}

/** The last position that began before a year, unless it had ended. */
function heldIn(positions: Position[], year: number): Position | undefined {
  const before = positions.filter((one) => (yearOf(since(one)) ?? year) < year);
  const last = before.reduce<Position | undefined>(
    (one, other) => (one && since(one)! > since(other)! ? one : other),
    undefined,
  );
  return last && (yearOf(last.heldUntil) ?? year) >= year ? last : undefined;
}
