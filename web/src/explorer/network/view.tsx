import { useQueries } from '@tanstack/react-query';
import { useId, useMemo, useState } from 'react';
import { Network, Paths, Speakers, type TieKind } from '../api/documents';
import { useQuery } from '../api/queries';
import { request } from '../api/request';
import { useTitle } from '../frame/title';
import { Answer, Empty, Loading, Refused } from '../parts/answer';
import { Choice } from '../parts/choice';
import { Link, setParameters, useAddress, useAsOf } from '../router';
import { t } from '../texts';
import { Canvas } from './canvas';
import { Chosen } from './chosen';
import { merge } from './graph';
import { KINDS, Kinds, kindsIn, leastIn } from './kinds';
import { useLayout } from './layout';
import { family, useColors } from './look';
import { PathList } from './paths';
import { download, gexf, png, svg } from './save';
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

/** The networks around actors; those that are loaded stay while others are on their way. */
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

function Shown({ actors, from, to }: { actors: string[]; from: string | null; to: string | null }) {
  const { parameters } = useAddress();
  const on = kindsIn(parameters);
  const kinds = on.length < KINDS.length ? on : null;
  const least = leastIn(parameters);
  const networks = useNetworks(actors, kinds);
  const asked = { from: { slug: from ?? '' }, to: { slug: to ?? '' }, kinds, asOf: useAsOf() };
  const paths = useQuery(Paths, asked, { enabled: Boolean(from && to) });
  const [chosen, choose] = useState<string>();
  const described = useId();
  const colors = useColors();

  const all = [...networks, paths];
  const stamp = all.map(({ dataUpdatedAt }) => dataUpdatedAt).join();
  const expanded = useMemo(() => new Set(actors), [actors.join()]);
  const graph = useMemo(
    () => merge(networks.flatMap(({ data }) => data?.network ?? []), paths.data?.path ?? [], least, expanded),
    [stamp, least, expanded],
  );
  const { layout, isSettled } = useLayout(graph);

  const failed = all.find(({ error }) => error);
  if (failed?.error) return <Refused error={failed.error} retry={() => void failed.refetch()} />;
  if (graph.actors.size === 0) return all.some(({ isFetching }) => isFetching) ? <Loading /> : <Empty>{t.network.none}</Empty>;

  const look = { colors, expanded, chosen: chosen !== undefined && graph.actors.has(chosen) ? chosen : undefined };
  const expand = (slug: string) =>
    setParameters({ actor: expanded.has(slug) ? actors.filter((one) => one !== slug) : [...actors, slug] });
  const picture = { graph, layout, look: { ...look, chosen: undefined }, family: family() };
  const saves = { SVG: () => svg(picture), PNG: () => png(picture), GEXF: () => gexf(picture) };
  return (
    <>
      <figure className="network">
        <Canvas
          {...{ graph, layout, isSettled, look }}
          family={picture.family}
          label={t.network.picture(graph.actors.size, graph.ties.length)}
          describedBy={described}
          onChoose={choose}
        />
        {look.chosen && <Chosen id={look.chosen} {...{ graph, expanded, expand }} close={() => choose(undefined)} />}
        <figcaption className="small soft">
          <span id={described}>{t.network.keys}</span>
          <span className="saves">
            {t.network.save}
            {Object.entries(saves).map(([format, made]) => (
              <button
                key={format}
                type="button"
                className="plain"
                onClick={async () => download(await made(), `network.${format.toLowerCase()}`)}
              >
                {format}
              </button>
            ))}
          </span>
        </figcaption>
      </figure>
      {from && to && <PathList of={paths} />}
      <Ties {...{ graph, expanded, expand }} />
    </>
  );
}
