import { type Stance, Standings, type StandingsQuery, TopicsWithPositions } from '../api/documents';
import { useQuery } from '../api/queries';
import { Answer, Empty } from '../parts/answer';
import { Choice } from '../parts/choice';
import { Head } from '../parts/head';
import { Matrix } from '../parts/matrix';
import { RecordLink } from '../parts/record-link';
import { Stance as StanceWord } from '../parts/stance';
import { Link, useAddress, useAsOf } from '../router';
import { t } from '../texts';
import { Cell } from './cell';
import { Mark } from './mark';
import { OverTime } from './over-time';
import { SaidAndVoted } from './said-and-voted';
import './positions.css';

const SCALE: Stance[] = ['STRONGLY_OPPOSES', 'OPPOSES', 'NEUTRAL', 'SUPPORTS', 'STRONGLY_SUPPORTS'];

/** Who stands where, on the topics that the address names or on those that most positions are on. */
export default function PositionsView() {
  const { parameters } = useAddress();
  const chosen = parameters.getAll('topic');
  const holders = parameters.getAll('holder');
  const filter = holders.length > 0 ? { holder: { slug: { in: holders } } } : null;
  const most = useQuery(TopicsWithPositions, { filter, asOf: useAsOf() }, { enabled: chosen.length === 0 });
  return (
    <div className="view broad">
      <Head title={t.stands.title} explained={t.stands.explained}>
        <Choice parameter="topic" type="TOPIC" label={t.stands.topics} />
        <Choice parameter="holder" type="ACTOR" label={t.stands.holders} />
      </Head>
      {chosen.length > 0 ? (
        <Stands topics={chosen} holders={holders} />
      ) : (
        <Answer of={most}>
          {({ positions }) => (
            <Stands topics={positions.facets.topic.flatMap(({ value }) => value?.slug ?? [])} holders={holders} />
          )}
        </Answer>
      )}
    </div>
  );
}

function Stands({ topics, holders }: { topics: string[]; holders: string[] }) {
  const { parameters } = useAddress();
  const standings = useQuery(Standings, { topics, asOf: useAsOf() }, { keep: true });
  const [holder, topic] = (parameters.get('at') ?? '').split('~');
  const [only, ...others] = topics;
  return (
    <Answer of={standings}>
      {(data) => {
        const columns = topics.flatMap((slug) => data.topics.nodes.find((one) => one.slug === slug) ?? []);
        const rows = holdersOf(columns).filter(({ slug }) => holders.length === 0 || holders.includes(slug));
        if (rows.length === 0) return <Empty>{t.stands.none}</Empty>;
        return (
          <>
            <Legend />
            <Matrix
              caption={t.stands.title}
              columns={columns.map((topic) => ({ key: topic.slug, name: <TopicHead topic={topic} /> }))}
              rows={rows.map((holder) => ({ key: holder.slug, name: <RecordLink record={holder} /> }))}
              cell={(holder, topic) => {
                const found = standing(columns, holder, topic);
                if (!found) return null;
                const at = `${holder}~${topic}`;
                return (
                  <Mark
                    stance={found.stance}
                    name={found.position.label}
                    date={found.date}
                    isChosen={parameters.get('at') === at}
                    to={stayingWith(parameters, { at })}
                  />
                );
              }}
            />
            {holder && topic && <Cell key={`${holder} ${topic}`} holder={holder} topic={topic} />}
            {only && others.length === 0 && (
              <>
                <OverTime topic={only} holders={holders} />
                <SaidAndVoted topic={only} />
              </>
            )}
            <Disagreements of={columns} holders={holders} />
          </>
        );
      }}
    </Answer>
  );
}

type Topic = StandingsQuery['topics']['nodes'][number];

/** A topic leads to itself alone: over time, and who voted otherwise. */
const TopicHead = ({ topic: { slug, label } }: { topic: Topic }) => (
  <Link to={`positions?${new URLSearchParams({ topic: slug })}`}>
    <bdi>{label}</bdi>
  </Link>
);

const standing = (topics: Topic[], holder: string, topic: string) =>
  topics.find(({ slug }) => slug === topic)?.standings.find((one) => one.holder.slug === holder);

/** Those who stand somewhere, those with most stances first. */
function holdersOf(topics: Topic[]) {
  const holders = new Map(topics.flatMap(({ standings }) => standings.map(({ holder }) => [holder.slug, holder])));
  const stances = (slug: string) => topics.filter((topic) => standing([topic], slug, topic.slug)).length;
  return [...holders.values()].sort((one, other) => stances(other.slug) - stances(one.slug));
}

const stayingWith = (parameters: URLSearchParams, changes: Record<string, string>) => {
  const kept = new URLSearchParams(parameters);
  for (const [name, value] of Object.entries(changes)) kept.set(name, value);
  return `positions?${kept}`;
};

const Legend = () => (
  <ul className="legend small" aria-label={t.stands.scale}>
    {SCALE.map((stance) => (
      <li key={stance}>
        <StanceWord stance={stance} />
      </li>
    ))}
  </ul>
);

const SHOWN = 10;

/** Pairs who stand furthest apart. */
function Disagreements({ of, holders }: { of: Topic[]; holders: string[] }) {
  const pairs = of
    .flatMap((topic) => topic.disagreements.map((pair) => ({ topic, ...pair })))
    .filter(({ one, other }) =>
      [one, other].some(({ holder }) => holders.length === 0 || holders.includes(holder.slug)),
    )
    .sort((a, b) => b.distance - a.distance)
    .slice(0, SHOWN);
  return (
    <section className="section">
      <h2>{t.stands.disagreements}</h2>
      {pairs.length === 0 && <Empty>{t.stands.noDisagreements}</Empty>}
      <ul className="disagreements">
        {pairs.map(({ topic, one, other }) => (
          <li key={`${one.id} ${other.id}`}>
            <p className="small">
              <TopicHead topic={topic} />
            </p>
            <p>
              {[one, other].map((side) => (
                <span key={side.id} className="side">
                  <RecordLink record={side.holder} />{' '}
                  <Link to={`positions/${encodeURIComponent(side.slug)}`} className="quiet">
                    <StanceWord stance={side.stance} />
                  </Link>
                </span>
              ))}
            </p>
          </li>
        ))}
      </ul>
    </section>
  );
}
