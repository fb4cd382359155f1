import { useQueries } from '@tanstack/react-query';
import { useMemo, useRef } from 'react';
import { Network, Paths, Speakers, type TieKind } from '../api/documents';
import { useQuery } from '../api/queries';
import { request } from '../api/request';
import { useTitle } from '../frame/title';
import { Answer, Empty, Loading, Refused } from '../parts/answer';
import { Choice } from '../parts/choice';
import { Link, setParameters, useAddress, useAsOf } from '../router';
import { t } from '../texts';
import { merge } from './graph';
import { KINDS, Kinds, kindsIn, leastIn } from './kinds';
import { PathList } from './paths';
import { Picture } from './picture';
import { Ties } from './ties';
import './network.css';

/** So many actors are asked for around each that is expanded. */
const AROUND = 60;

/** How actors are tied: around those that the address names, and along the paths between two. */
export default function NetworkView() {
  useTitle(t.network.title);
  const { parameters } = useAddress();
  const actors = parameters.getAll('actor');
  const [from, to] = [parameters.get('from'), parameters.get('to')];
  return (
    <div className="view broad">
      <header>
        <h1>{t.network.title}</h1>
        <p className="soft">{t.network.explained}</p>
      </header>
      <div className="choices">
        <Choice parameter="actor" type="ACTOR" label={t.network.around} />
        <Choice parameter="from" type="ACTOR" label={t.network.from} isOne />
        <Choice parameter="to" type="ACTOR" label={t.network.to} isOne />
        <Kinds />
      </div>
      {actors.length > 0 || (from && to) ? <Shown actors={actors} from={from} to={to} /> : <Begin />}
    </div>
  );
}

/** Actors to begin with. */
function Begin() {
  const speakers = useQuery(Speakers, { asOf: useAsOf() });
  return (
    <Answer of={speakers}>
      {({ statements }) => (
        <section className="section">
          <h2>{t.network.begin}</h2>
          <ul>
            {statements.facets.speaker.map(
              ({ value }) =>
                value && (
                  <li key={value.id}>
                    <Link to={`network?${new URLSearchParams({ actor: value.slug })}`}>
                      <bdi>{value.label}</bdi>
                    </Link>
                  </li>
                ),
            )}
          </ul>
        </section>
      )}
    </Answer>
  );
}

/** The networks around actors, each loaded once. */
function useNetworks(actors: string[], kinds: TieKind[] | null) {
  const asOf = useAsOf();
  return useQueries({
    queries: actors.map((slug) => {
      const variables = { actor: { slug }, kinds, limit: AROUND, asOf };
      return {
        queryKey: [Network, variables],
        queryFn: ({ signal }: { signal: AbortSignal }) => request(Network, variables, signal),
      };
    }),
  });
}

/** A value, or the last one while another is on its way. */
function useKept<Value>(value: Value, isOnItsWay: boolean): Value {
  const kept = useRef(value);
  if (!isOnItsWay) kept.current = value;
  return kept.current;
}

function Shown({ actors, from, to }: { actors: string[]; from: string | null; to: string | null }) {
  const { parameters } = useAddress();
  const on = kindsIn(parameters);
  const kinds = on.length < KINDS.length ? on : null;
  const least = leastIn(parameters);
  const networks = useNetworks(actors, kinds);
  const asked = { from: { slug: from ?? '' }, to: { slug: to ?? '' }, kinds, asOf: useAsOf() };
  const paths = useQuery(Paths, asked, { enabled: Boolean(from && to) });

  const all = [...networks, paths];
  const stamp = all.map(({ dataUpdatedAt }) => dataUpdatedAt).join();
  const expanded = useMemo(() => new Set(actors), [actors.join()]);
  const isFetching = all.some((query) => query.isFetching);
  const merged = useMemo(
    () => merge(networks.flatMap(({ data }) => data?.network ?? []), paths.data?.path ?? [], least, expanded),
    [stamp, least, expanded],
  );
  const graph = useKept(merged, isFetching && merged.actors.size === 0);

  const failed = all.find(({ error }) => error);
  if (failed?.error) return <Refused error={failed.error} retry={() => void failed.refetch()} />;
  if (graph.actors.size === 0) return isFetching ? <Loading /> : <Empty>{t.network.none}</Empty>;

  const expand = (slug: string) =>
    setParameters({ actor: expanded.has(slug) ? actors.filter((one) => one !== slug) : [...actors, slug] });
  return (
    <>
      <Picture {...{ graph, expanded, expand }} />
      {from && to && <PathList of={paths} />}
      <Ties {...{ graph, expanded, expand }} />
    </>
  );
}
