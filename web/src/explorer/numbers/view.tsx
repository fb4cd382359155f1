import {
  MostStatements,
  type StatementFilter,
  type StatementGrouping,
  type StatementKeyFragment,
  StatementsOverTime,
  type StatementsOverTimeQuery,
} from '../api/documents';
import { useQuery } from '../api/queries';
import { useTitle } from '../frame/title';
import { Answer, Empty } from '../parts/answer';
import { Choice } from '../parts/choice';
import { DateField } from '../parts/date-field';
import { Matrix } from '../parts/matrix';
import { Options } from '../parts/options';
import { RecordLink } from '../parts/record-link';
import { useAddress, useAsOf } from '../router';
import { t } from '../texts';
import { Bar } from './bar';
import { STEPS, type Step, allBetween, endsOf, nameOf, periodOf } from './periods';
import './numbers.css';

/** What statements are counted by. */
const DIMENSIONS = { speaker: 'SPEAKER', topic: 'TOPIC_WITHIN', kind: 'EVENT_TYPE' } as const satisfies Record<
  string,
  StatementGrouping
>;

type Dimension = keyof typeof DIMENSIONS;

const oneOf = <Name extends string>(names: Record<Name, unknown>, name: string | null, otherwise: Name): Name =>
  name !== null && name in names ? (name as Name) : otherwise;

/** How many statements there are, by speaker, topic or kind, year by year. */
export default function NumbersView() {
  useTitle(t.numbers.title);
  const { parameters } = useAddress();
  const dimension = oneOf<Dimension>(DIMENSIONS, parameters.get('by'), 'speaker');
  const step = oneOf<Step>(STEPS, parameters.get('step'), 'year');
  const filter = filterOf(parameters);
  const most = useQuery(MostStatements, { filter, by: [DIMENSIONS[dimension]], asOf: useAsOf() }, { keep: true });
  return (
    <div className="view broad numbers">
      <header>
        <h1>{t.numbers.title}</h1>
        <p className="soft">{t.numbers.explained}</p>
      </header>
      <div className="choices">
        <Options parameter="by" label={t.numbers.by} options={t.numbers.dimensions} chosen={dimension} />
        <Options parameter="step" label={t.numbers.step} options={t.numbers.steps} chosen={step} />
        <Choice parameter="actor" type="ACTOR" label={t.timeline.actor} isOne />
        <Choice parameter="topic" type="TOPIC" label={t.timeline.topic} isOne />
        <DateField parameter="from" label={t.timeline.from} />
        <DateField parameter="until" label={t.timeline.until} />
      </div>
      <Answer of={most}>
        {({ statements }) => (
          <Counts {...{ dimension, step, filter }} keys={statements.groups.filter((group) => keyOf(group) !== null)} />
        )}
      </Answer>
    </div>
  );
}

function filterOf(parameters: URLSearchParams): StatementFilter {
  const [actor, topic, from, until] = ['actor', 'topic', 'from', 'until'].map((name) => parameters.get(name));
  return {
    ...(actor && { speaker: { slug: { equals: actor } } }),
    ...(topic && { topic: { within: { slug: topic } } }),
    ...((from || until) && { said: { ...(from && { from }), ...(until && { until }) } }),
  };
}

const keyOf = ({ speaker, topicWithin, eventType }: StatementKeyFragment) =>
  speaker?.slug ?? topicWithin?.slug ?? eventType;

interface CountsProps {
  dimension: Dimension;
  step: Step;
  filter: StatementFilter;
  keys: StatementKeyFragment[];
}

function Counts({ dimension, step, filter, keys }: CountsProps) {
  const slugs = keys.flatMap((key) => keyOf(key) ?? []);
  const period = [STEPS[step].grouping];
  const variables = {
    filter,
    shown: shownOf(dimension, filter, slugs),
    period,
    by: [DIMENSIONS[dimension], ...period],
  };
  const counts = useQuery(StatementsOverTime, { ...variables, asOf: useAsOf() }, { keep: true });
  return (
    <Answer of={counts}>
      {({ all, each }) =>
        all.groups.length === 0 ? (
          <Empty>{t.noneYet}</Empty>
        ) : (
          <Table {...{ dimension, step, keys }} all={all.groups} each={each.groups} />
        )
      }
    </Answer>
  );
}

/** Only statements of those that are shown are counted for them. */
function shownOf(dimension: Dimension, filter: StatementFilter, slugs: string[]): StatementFilter {
  if (dimension === 'speaker') return { ...filter, and: [{ speaker: { slug: { in: slugs } } }] };
  if (dimension === 'topic') return { ...filter, or: slugs.map((slug) => ({ topic: { within: { slug } } })) };
  return filter;
}

interface TableProps {
  dimension: Dimension;
  step: Step;
  keys: StatementKeyFragment[];
  all: StatementsOverTimeQuery['all']['groups'];
  each: StatementsOverTimeQuery['each']['groups'];
}

const ALL = '';
/** A server gives so many groups at most. */
const MOST_GROUPS = 1000;

function Table({ dimension, step, keys, all, each }: TableProps) {
  const { parameters } = useAddress();
  const periods = allBetween(
    all.map((group) => periodOf(group, step)),
    step,
  );
  const most = Math.max(...each.map(({ count }) => count), 1);
  const mostOfAll = Math.max(...all.map(({ count }) => count));
  const groupOf = (row: string, column: string) =>
    row === ALL
      ? all.find((group) => nameOf(periodOf(group, step)) === column)
      : each.find((group) => keyOf(group) === row && nameOf(periodOf(group, step)) === column);
  const rows = keys.map((key) => ({
    key: keyOf(key)!,
    name: key.eventType ? t.word(key.eventType) : <RecordLink record={key.speaker ?? key.topicWithin} />,
  }));
  return (
    <>
      {each.length === MOST_GROUPS && <p className="small soft">{t.numbers.cut}</p>}
      <Matrix
        isAtEnd
        caption={t.numbers.title}
        columns={periods.map((period) => ({ key: nameOf(period), name: nameOf(period) }))}
        rows={[{ key: ALL, name: t.all }, ...rows]}
        cell={(row, column) => {
          const group = groupOf(row, column);
          if (!group) return null;
          return <Bar {...group} most={row === ALL ? mostOfAll : most} to={timelineOf(row, periodOf(group, step))} />;
        }}
      />
    </>
  );

  /** Where the statements that a number counts are read. */
  function timelineOf(row: string, period: string | null): string | undefined {
    if (period === null || dimension === 'kind') return undefined;
    const about = new URLSearchParams(endsOf(period, step));
    for (const name of ['actor', 'topic']) if (parameters.get(name)) about.set(name, parameters.get(name)!);
    if (row !== ALL) about.set(dimension === 'speaker' ? 'actor' : 'topic', row);
    return `timeline?${about}`;
  }
}
