import { PositionRecord, type PositionRecordQuery } from '../api/documents';
import * as entries from '../lists/entries';
import { Facts } from '../parts/entry';
import { RecordLink } from '../parts/record-link';
import { Stance } from '../parts/stance';
import { When } from '../parts/when';
import { t } from '../texts';
import type { Parameters } from '../views';
import { RecordView } from './record';

type Item = NonNullable<PositionRecordQuery['position']>['evidenceItems'][number];

export default function Position({ parameters: { slug = '' } }: { parameters: Parameters }) {
  return (
    <RecordView document={PositionRecord} slug={slug} find={(data) => data.position}>
      {(position) => (
        <>
          <Facts
            of={[
              [t.field('holder'), <RecordLink key="holder" record={position.holder} />],
              [t.field('stance'), <Stance key="stance" stance={position.stance} />],
              [t.field('topic'), <RecordLink key="topic" record={position.topic} />],
              [
                t.field('held'),
                position.heldFrom || position.heldUntil ? (
                  <When from={position.heldFrom} until={position.heldUntil} />
                ) : (
                  t.unknownDate
                ),
              ],
              [t.field('confidence'), position.confidence && t.word(position.confidence)],
              [t.corroboration, t.corroborated(position.corroboration)],
            ]}
          />
          {(['SUPPORTS', 'CONTRADICTS'] as const).map((role) => {
            const items = position.evidenceItems.filter((item) => item.role === role);
            return items.length > 0 && <Evidence key={role} title={t.evidence[role]} items={items} />;
          })}
        </>
      )}
    </RecordView>
  );
}

const Evidence = ({ title, items }: { title: string; items: Item[] }) => (
  <section className="section">
    <h2>{title}</h2>
    <ul>{items.map(({ evidence }) => entryOf(evidence))}</ul>
  </section>
);

function entryOf(evidence: Item['evidence']) {
  switch (evidence.__typename) {
    case 'Statement':
      return entries.statement(evidence);
    case 'Commentary':
      return entries.commentary(evidence);
    case 'Vote':
      return entries.vote(evidence);
  }
}
