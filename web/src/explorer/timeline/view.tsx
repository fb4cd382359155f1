import { useMemo } from 'react';
import { TimelineCount, TimelinePage, type TimelineType } from '../api/documents';
import { usePages, useQuery } from '../api/queries';
import { Empty, Loading, Refused } from '../parts/answer';
import { Choice } from '../parts/choice';
import { DateField } from '../parts/date-field';
import { Head } from '../parts/head';
import type { RecordType } from '../parts/record-link';
import { Switches, switchedOn } from '../parts/switches';
import { useAddress, useAsOf } from '../router';
import { t } from '../texts';
import { Feed } from './feed';
import './timeline.css';

const TYPES: Record<TimelineType, RecordType> = {
  MEETING: 'Meeting',
  STATEMENT: 'Statement',
  EVENT: 'Event',
  COMMENTARY: 'Commentary',
  MOTION: 'Motion',
  DIVISION: 'Division',
};
const ALL = Object.keys(TYPES) as TimelineType[];

/** What happened, was said and was written, by date; of all or of one actor, on all topics or one. */
export default function TimelineView() {
  const { parameters } = useAddress();
  const [actor, topic] = ['actor', 'topic'].map((name) => parameters.get(name));
  const types = switchedOn(parameters, 'type', ALL);
  const about = {
    actor: actor ? { slug: actor } : null,
    topic: topic ? { slug: topic } : null,
    types: types.length < ALL.length ? [...types] : null,
    from: parameters.get('from'),
    until: parameters.get('until'),
    asOf: useAsOf(),
  };
  const count = useQuery(TimelineCount, about, { keep: true });
  const found = usePages(TimelinePage, about, (data) => data.timeline, { keep: true });
  const edges = useMemo(() => found.data?.pages.flatMap(({ timeline }) => timeline.edges), [found.data]);
  return (
    <div className="view broad">
      <Head title={t.timeline.title} explained={t.timeline.explained}>
        <Choice parameter="actor" type="ACTOR" label={t.timeline.actor} isOne />
        <Choice parameter="topic" type="TOPIC" label={t.timeline.topic} isOne />
        <DateField parameter="from" label={t.timeline.from} />
        <DateField parameter="until" label={t.timeline.until} />
        <Switches parameter="type" legend={t.timeline.types} values={ALL} name={(type) => t.types[TYPES[type]].many} />
      </Head>
      <p className="soft figures" role="status">
        {count.data && t.timeline.entries(count.data.timeline.totalCount)}
      </p>
      {found.error && <Refused error={found.error} retry={() => void found.refetch()} />}
      {!found.error && !edges && <Loading />}
      {edges?.length === 0 && <Empty>{t.noneYet}</Empty>}
      {edges && edges.length > 0 && (
        <Feed
          edges={edges}
          total={count.data?.timeline.totalCount}
          isLoading={found.isFetchingNextPage}
          more={found.hasNextPage && !found.isFetchingNextPage ? () => void found.fetchNextPage() : undefined}
        />
      )}
    </div>
  );
}
