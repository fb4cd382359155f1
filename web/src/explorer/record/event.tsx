import { EventRecord } from '../api/documents';
import * as format from '../format';
import { Records } from '../lists/entries';
import { Events, Statements } from '../lists/lists';
import { Facts } from '../parts/entry';
import { RecordLink } from '../parts/record-link';
import { When } from '../parts/when';
import { t } from '../texts';
import type { Parameters } from '../views';
import { Translations } from './languages';
import { RecordView } from './record';

export default function Event({ parameters: { slug = '' } }: { parameters: Parameters }) {
  const it = { slug: { equals: slug } };
  return (
    <RecordView document={EventRecord} slug={slug} find={(data) => data.event}>
      {(event) => (
        <>
          <div>
            <p className="lead" dir="auto" lang={event.summaryLanguage ?? undefined}>
              {event.summary}
            </p>
            <Translations of={event.translations} />
            <Facts
              of={[
                [t.field('eventType'), t.word(event.eventType)],
                [t.field('mode'), event.mode],
                [t.field('actors'), event.actors.nodes.length > 0 && <Records of={event.actors.nodes} />],
                [t.field('targets'), event.targets.nodes.length > 0 && <Records of={event.targets.nodes} />],
                [t.field('place'), event.place && <RecordLink record={event.place} />],
                [
                  t.field('date'),
                  event.occurredOn ? (
                    <When from={event.occurredOn} until={event.endedOn ?? event.occurredOn} />
                  ) : (
                    t.unknownDate
                  ),
                ],
                [t.field('killed'), event.killed !== null && format.number(event.killed)],
                [t.field('injured'), event.injured !== null && format.number(event.injured)],
                [t.field('amount'), event.amount && `${event.amount} ${event.currency ?? ''}`],
                [t.field('meeting'), event.meeting && <RecordLink record={event.meeting} />],
                [t.field('parent'), event.parent && <RecordLink record={event.parent} />],
              ]}
            />
          </div>
          <Statements title={t.statements} filter={{ events: it }} orderBy="DATE_ASC" />
          <Events title={t.eventsWithin} filter={{ parent: it }} orderBy="DATE_ASC" />
        </>
      )}
    </RecordView>
  );
}
