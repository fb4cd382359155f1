import { Glance, LatestChanges, Questions } from '../api/documents';
import { useQuery } from '../api/queries';
import * as format from '../format';
import { useTitle } from '../frame/title';
import { Records } from '../lists/entries';
import { Answer, Empty } from '../parts/answer';
import { changesOf } from '../parts/changes';
import { RecordLink, type RecordType } from '../parts/record-link';
import { SearchField } from '../parts/search-field';
import { Link, useAsOf } from '../router';
import { t } from '../texts';
import './start.css';

/** Says in ten seconds what this is and what to click. */
export default function Start() {
  useTitle('');
  return (
    <div className="start">
      <header>
        <h1>{t.start.tagline}</h1>
        <p className="soft">{t.start.explained}</p>
        <SearchField isLarge />
      </header>
      <QuestionList />
      <Counts />
      <Changes />
    </div>
  );
}

function QuestionList() {
  const { data } = useQuery(Questions, { asOf: useAsOf() });
  if (!data) return null;
  const { topic, holder } = data.positions.facets;
  const speaker = data.statements.facets.speaker[0]?.value;
  const meeting = data.meetings.nodes[0];
  const [one, other] = holder.map(({ value }) => value);
  return (
    <section className="questions">
      <h2>{t.start.questions}</h2>
      <ul>
        {topic.map(
          ({ value }) =>
            value && (
              <li key={value.id}>
                {t.start.whoStandsWhere}{' '}
                <Link to={`positions?${new URLSearchParams({ topic: value.slug })}`}>
                  <bdi>{value.label}</bdi>
                </Link>
              </li>
            ),
        )}
        {speaker && <Question words={t.start.whatDidSay} record={speaker} />}
        {meeting && <Question words={t.start.whoTookPart} record={meeting} />}
        {one && other && (
          <li>
            {t.start.howTied}{' '}
            <Link to={`network?${new URLSearchParams({ from: one.slug, to: other.slug })}`}>
              <bdi>{one.label}</bdi>, <bdi>{other.label}</bdi>
            </Link>
          </li>
        )}
      </ul>
    </section>
  );
}

type Asked = Parameters<typeof RecordLink>[0]['record'];

const Question = ({ words, record }: { words: string; record: Asked }) => (
  <li>
    {words} <RecordLink record={record} />
  </li>
);

const COUNTED: [RecordType, string][] = [
  ['Actor', 'actors'],
  ['Meeting', 'meetings'],
  ['Statement', 'statements'],
  ['Position', 'positions'],
  ['Relation', 'relations'],
  ['Commentary', 'commentaries'],
  ['Event', 'events'],
  ['Motion', 'motions'],
  ['Topic', 'topics'],
  ['Source', 'sources'],
];

function Counts() {
  const glance = useQuery(Glance, { asOf: useAsOf() });
  return (
    <section>
      <h2>{t.start.glance}</h2>
      <Answer of={glance}>
        {(data) => (
          <ul className="counts">
            {COUNTED.map(([type, list]) => {
              const { value, precision } = data[list as keyof typeof data].count;
              if (value === 0) return null;
              const said = t.countOf(value, type);
              return (
                <li key={type}>
                  <Link to={list}>{precision === 'EXACT' ? said : t.start.about(said)}</Link>
                </li>
              );
            })}
          </ul>
        )}
      </Answer>
    </section>
  );
}

const SHOWN = 3;
const CHANGES = 5;

function Changes() {
  const latest = useQuery(LatestChanges, { asOf: useAsOf() });
  // The base at a glance has asked for a key already.
  if (latest.error?.code === 'UNAUTHENTICATED') return null;
  return (
    <section>
      <h2>{t.start.changes}</h2>
      <Answer of={latest}>
        {({ revisions }) => {
          const changes = changesOf(revisions.nodes).slice(0, CHANGES);
          if (changes.length === 0) return <Empty>{t.start.noChanges}</Empty>;
          return (
            <>
              <ol className="changes small">
                {changes.map(({ change, first, records }) => (
                  <li key={change}>
                    <span className="soft figures">
                      <time dateTime={first.recordedAt}>{format.moment(first.recordedAt)}</time>{' '}
                      <bdi>{t.start.changedBy(first.requester)}</bdi>:
                    </span>{' '}
                    <Records of={records.slice(0, SHOWN).flatMap(([revision]) => revision?.record ?? [])} />
                    {records.length > SHOWN && ` ${t.start.andMore(records.length - SHOWN)}`}
                  </li>
                ))}
              </ol>
              <p className="small">
                <Link to="changes">{t.revisions}</Link>
              </p>
            </>
          );
        }}
      </Answer>
    </section>
  );
}
