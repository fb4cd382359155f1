import { RelationRecord } from '../api/documents';
import * as format from '../format';
import { Facts } from '../parts/entry';
import { RecordLink } from '../parts/record-link';
import { When } from '../parts/when';
import { t } from '../texts';
import type { Parameters } from '../views';
import { RecordView } from './record';

export default function Relation({ parameters: { slug = '' } }: { parameters: Parameters }) {
  return (
    <RecordView document={RelationRecord} slug={slug} find={(data) => data.relation}>
      {(relation) => (
        <Facts
          of={[
            [t.field('subject'), <RecordLink key="subject" record={relation.subject} />],
            [t.field('kind'), t.word(relation.kind)],
            [t.field('object'), <RecordLink key="object" record={relation.object} />],
            [
              t.field('valid'),
              relation.validFrom || relation.validUntil ? (
                <When from={relation.validFrom} until={relation.validUntil} />
              ) : (
                t.unknownDate
              ),
            ],
            [t.field('share'), relation.share !== null && `${format.number(relation.share)} %`],
            [t.field('area'), relation.area],
            [t.field('term'), relation.term],
            [t.field('onBehalfOf'), relation.onBehalfOf && <RecordLink record={relation.onBehalfOf} />],
          ]}
        />
      )}
    </RecordView>
  );
}
