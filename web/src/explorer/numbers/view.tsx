import { useQuery } from '../api/queries';
import { Answer, Empty } from '../parts/answer';
import { Choice } from '../parts/choice';
import { DateField } from '../parts/date-field';
import { Head } from '../parts/head';
import { Matrix } from '../parts/matrix';
import { Options } from '../parts/options';
import { RecordLink } from '../parts/record-link';
import { useAddress, useAsOf } from '../router';
import { t } from '../texts';
import { Bar } from './bar';
import { type Count, type Counted, type CountedType, type Dimension, type Key, types } from './counted';
import { type Period, STEPS, type Span, type Step, allBetween, nameOf, within } from './periods';
import './numbers.css';

const oneOf = <Name extends string>(names: Partial<Record<Name, unknown>>, name: string | null, usual: Name): Name =>
  name !== null && name in names ? (name as Name) : usual;

/** How many records there are, by actor, topic or kind, year by year. */
export default function NumbersView() {
  const { parameters } = useAddress();
  const type = oneOf<CountedType>(types, parameters.get('of'), 'statements');
  const counted = types[type];
  const dimension = oneOf<Dimension>(counted.by, parameters.get('by'), 'actor');
  const step = oneOf<Step>(STEPS, parameters.get('step'), 'year');
  const filter = filterOf(counted, parameters);
  const most = useQuery(counted.most, { filter, by: [counted.by[dimension]], asOf: useAsOf() }, { keep: true });
  const dimensions = Object.entries(t.numbers.dimensions[type]).filter(([name]) => name in counted.by);
  return (
    <div className="view broad numbers">
      <Head title={t.numbers.title} explained={t.numbers.explained}>
        <Options parameter="of" label={t.numbers.of} options={t.numbers.types} chosen={type} />
        <Options parameter="by" label={t.numbers.by} options={Object.fromEntries(dimensions)} chosen={dimension} />
        <Options parameter="step" label={t.numbers.step} options={t.numbers.steps} chosen={step} />
        <Choice parameter="actor" type="ACTOR" label={t.timeline.actor} isOne />
        {counted.ofTopic && <Choice parameter="topic" type="TOPIC" label={t.timeline.topic} isOne />}
        <DateField parameter="from" label={t.timeline.from} />
        <DateField parameter="until" label={t.timeline.until} />
      </Head>
      <Answer of={most}>
        {({ counted: { groups } }) => (
          <Counts
            key={type}
            {...{ type, counted, dimension, step, filter }}
            keys={groups.filter((group) => keyOf(group))}
          />
        )}
      </Answer>
    </div>
  );
}

function filterOf({ ofActors, ofTopic, date: [, dates] }: Counted, parameters: URLSearchParams): object {
  const [actor, topic, from, until] = ['actor', 'topic', 'from', 'until'].map((name) => parameters.get(name));
  return {
    ...(actor && ofActors({ equals: actor })),
    ...(topic && ofTopic?.({ slug: topic })),
    ...((from || until) && { [dates]: { ...(from && { from }), ...(until && { until }) } }),
  };
}

const keyOf = ({ actor, topic, kind }: Key) => actor?.slug ?? topic?.slug ?? kind;

interface CountsProps {
  type: CountedType;
  counted: Counted;
  dimension: Dimension;
  step: Step;
  filter: object;
  keys: Key[];
}

function Counts({ type, counted, dimension, step, filter, keys }: CountsProps) {
  const slugs = keys.flatMap((key) => keyOf(key) ?? []);
  const period = [`${counted.date[0]}_${step.toUpperCase()}`];
  const variables = {
    filter,
    shown: shownOf(counted, dimension, filter, slugs),
    period,
    by: [counted.by[dimension], ...period],
  };
  const counts = useQuery(counted.overTime, { ...variables, asOf: useAsOf() }, { keep: true });
  return (
    <Answer of={counts}>
      {({ all, each }) =>
        all.groups.length === 0 ? (
          <Empty>{t.noneYet}</Empty>
        ) : (
          <Table {...{ type, dimension, step, keys }} all={all.groups} each={each.groups} />
        )
      }
    </Answer>
  );
}

/** Only records of those that are shown are counted for them. */
function shownOf({ ofActors, ofTopic }: Counted, dimension: Dimension, filter: object, slugs: string[]): object {
  if (dimension === 'actor') return { ...filter, and: [ofActors({ in: slugs })] };
  if (dimension === 'topic') return { ...filter, or: slugs.map((slug) => ofTopic?.({ slug })) };
  return filter;
}

interface TableProps {
  type: CountedType;
  dimension: Dimension;
  step: Step;
  keys: Key[];
  all: Count[];
  each: (Key & Count)[];
}

const ALL = '';
/** A server gives so many groups at most. */
const MOST_GROUPS = 1000;

function Table({ type, dimension, step, keys, all, each }: TableProps) {
  const { parameters } = useAddress();
  const chosen: Span = { from: parameters.get('from'), until: parameters.get('until') };
  // A date that is known less exactly may lie outside of the period that was chosen, too.
  const isChosen = (period: Period) => period === null || within(period, step, chosen) !== undefined;
  const known = all.map((group) => group[step]).filter(isChosen);
  const periods = new Map(allBetween(known, step).map((period) => [nameOf(period), period]));
  const most = Math.max(...each.map(({ count }) => count), 1);
  const mostOfAll = Math.max(...all.map(({ count }) => count));
  const cells = new Map([
    ...all.map((group): [string, Count] => [cellOf(ALL, group[step]), group]),
    ...each
      .filter((group) => keyOf(group))
      .map((group): [string, Count] => [cellOf(keyOf(group)!, group[step]), group]),
  ]);
  const rows = keys.map((key) => ({
    key: keyOf(key)!,
    name: key.kind ? t.word(key.kind) : <RecordLink record={key.actor ?? key.topic} />,
  }));
  return (
    <>
      {each.length === MOST_GROUPS && <p className="small soft">{t.numbers.cut}</p>}
      <Matrix
        isAtEnd
        caption={t.numbers.title}
        columns={[...periods.keys()].map((name) => ({ key: name, name }))}
        rows={[{ key: ALL, name: t.all }, ...rows]}
        cell={(row, column) => {
          const period = periods.get(column) ?? null;
          const group = cells.get(cellOf(row, period));
          return group && <Bar {...group} most={row === ALL ? mostOfAll : most} to={listOf(row, period)} />;
        }}
      />
    </>
  );

  /** The list of exactly those records that a number counts. */
  function listOf(row: string, period: Period): string {
    const { parameters: names } = types[type];
    const list = new URLSearchParams();
    for (const name of ['actor', 'topic'] as const) {
      const value = parameters.get(name);
      if (value && names[name]) list.append(names[name], value);
    }
    if (row !== ALL) list.append(names[dimension]!, row);
    const part = period === null ? undefined : within(period, step, chosen);
    if (part?.from) list.set('from', part.from);
    if (part?.until) list.set('until', part.until);
    if (period === null) list.set('date', 'unknown');
    return `${type}?${list}`;
  }
}

const cellOf = (row: string, period: Period) => `${row} ${period}`;
