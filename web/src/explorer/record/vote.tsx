import { VoteRecord } from '../api/documents';
import { Positions } from '../lists/lists';
import { Facts } from '../parts/entry';
import { RecordLink } from '../parts/record-link';
import { When } from '../parts/when';
import { t } from '../texts';
import type { Parameters } from '../views';
import { RecordView } from './record';

export default function Vote({ parameters: { slug = '' } }: { parameters: Parameters }) {
  return (
    <RecordView document={VoteRecord} slug={slug} find={(data) => data.vote}>
      {(vote) => (
        <>
          <Facts
            of={[
              [t.field('actor'), <RecordLink key="actor" record={vote.actor} />],
              [t.field('choice'), t.word(vote.choice)],
              [t.field('party'), vote.party && <RecordLink record={vote.party} />],
              [t.field('division'), <RecordLink key="division" record={vote.division} />],
              [t.field('motion'), <RecordLink key="motion" record={vote.division.motion} />],
              [t.field('date'), vote.division.heldOn && <When from={vote.division.heldOn} />],
            ]}
          />
          <Positions title={t.positionsOn} filter={{ evidenceItems: { vote: { slug: { equals: slug } } } }} />
        </>
      )}
    </RecordView>
  );
}
