import { useMemo, useState } from 'react';
import { Network, NetworkSize, Paths, Speakers } from '../api/documents';
import { useQuery } from '../api/queries';
import { Answer, Empty, Loading, Refused } from '../parts/answer';
import { Choice } from '../parts/choice';
import { Head } from '../parts/head';
import { Link, setParameters, useAddress, useAsOf } from '../router';
import { t } from '../texts';
import { readNetwork } from './answer';
import { Extent, Reach, depthIn, limitIn, strongestIn } from './extent';
import { merge } from './graph';
import { Kinds, kindsIn, leastIn } from './kinds';
import { PathList } from './paths';
import { Picture } from './picture';
import { Ties } from './ties';
import './network.css';

/** How actors are tied: around those that the address names, and along the paths between two. */
export default function NetworkView() {
  const { parameters } = useAddress();
  const actors = parameters.getAll('actor');
  const [from, to] = [parameters.get('from'), parameters.get('to')];
  const isChosen = actors.length > 0 || (from && to);
  return (
    <div className="view broad">
      <Head title={t.network.title} explained={t.network.explained} mustChoose={!isChosen}>
        <Choice parameter="actor" type="ACTOR" label={t.network.around} />
        <Choice parameter="from" type="ACTOR" label={t.network.from} isOne />
        <Choice parameter="to" type="ACTOR" label={t.network.to} isOne />
        <Reach />
        <Kinds />
      </Head>
      {isChosen ? <Shown actors={actors} from={from} to={to} /> : <Begin />}
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

/** The network around actors. */
function useNetwork(actors: string[]) {
  const { parameters } = useAddress();
  const [actor, ...others] = actors.map((slug) => ({ slug }));
  const strongest = strongestIn(parameters);
  const around = {
    actor: actor ?? { slug: '' },
    alsoAround: others.length > 0 ? others : null,
    depth: depthIn(parameters),
    kinds: kindsIn(parameters),
    asOf: useAsOf(),
  };
  const asked = { ...around, limit: limitIn(parameters), strongest: strongest === 'all' ? null : Number(strongest) };
  const enabled = actor !== undefined;
  // To compare thousands of ties with those before takes longer than to show them.
  const network = useQuery(Network, asked, { enabled, keep: enabled, isCompared: false, read: readNetwork });
  const size = useQuery(NetworkSize, around, { enabled, keep: enabled });
  return { network, size: size.data?.network.totalCount };
}

/** A value, or the last one while another is on its way. */
function useKept<Value>(value: Value, isOnItsWay: boolean): Value {
  const [kept, keep] = useState(value);
  if (isOnItsWay) return kept;
  if (kept !== value) keep(value);
  return value;
}

function Shown({ actors, from, to }: { actors: string[]; from: string | null; to: string | null }) {
  const { parameters } = useAddress();
  const least = leastIn(parameters);
  const { network, size } = useNetwork(actors);
  const asked = { from: { slug: from ?? '' }, to: { slug: to ?? '' }, kinds: kindsIn(parameters), asOf: useAsOf() };
  const paths = useQuery(Paths, asked, { enabled: Boolean(from && to) });

  const all = [network, paths];
  const slugs = actors.join(' ');
  const expanded = useMemo(() => new Set(slugs.split(' ').filter(Boolean)), [slugs]);
  const isFetching = all.some((query) => query.isFetching);
  const [shown, steps] = [network.data?.network, paths.data?.path];
  const merged = useMemo(() => merge(shown, steps, least, expanded), [shown, steps, least, expanded]);
  const graph = useKept(merged, isFetching && merged.actors.size === 0);

  const failed = all.find(({ error }) => error);
  if (failed?.error) return <Refused error={failed.error} retry={() => void failed.refetch()} />;
  if (graph.actors.size === 0) return isFetching ? <Loading /> : <Empty>{t.network.none}</Empty>;

  const expand = (slug: string) =>
    setParameters({ actor: expanded.has(slug) ? actors.filter((one) => one !== slug) : [...actors, slug] });
  return (
    <>
      {shown && size !== undefined && <Extent shown={shown.nodes.length} size={size} isLoading={isFetching} />}
      <Picture {...{ graph, expanded, expand }} />
      {from && to && <PathList of={paths} />}
      <Ties {...{ graph, expanded, expand }} />
    </>
  );
}
