import { DivisionRecord } from '../api/documents';
import * as format from '../format';
import { Votes } from '../lists/lists';
import { Facts } from '../parts/entry';
import { RecordLink } from '../parts/record-link';
import { When } from '../parts/when';
import { t } from '../texts';
import type { Parameters } from '../views';
import { Translations } from './languages';
import { RecordView } from './record';

export default function Division({ parameters: { slug = '' } }: { parameters: Parameters }) {
  return (
    <RecordView document={DivisionRecord} slug={slug} find={(data) => data.division}>
      {(division) => (
        <>
          <div>
            <Translations of={division.translations} />
            <Facts
              of={[
                [t.field('motion'), <RecordLink key="motion" record={division.motion} />],
                [t.field('result'), division.result && t.word(division.result)],
                ...division.votes.facets.choice.map(({ value, count }): [string, string] => [
                  value ? t.word(value) : '',
                  format.number(count),
                ]),
                [t.field('date'), division.heldOn ? <When from={division.heldOn} /> : t.unknownDate],
                [t.field('meeting'), division.meeting && <RecordLink record={division.meeting} />],
              ]}
            />
          </div>
          <Votes title={t.votes} filter={{ division: { slug: { equals: slug } } }} orderBy="ENTERED_ASC" />
        </>
      )}
    </RecordView>
  );
}
