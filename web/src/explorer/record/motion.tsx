import { MotionRecord } from '../api/documents';
import { Records } from '../lists/entries';
import { Divisions } from '../lists/lists';
import { Facts } from '../parts/entry';
import { RecordLink } from '../parts/record-link';
import { When } from '../parts/when';
import { t } from '../texts';
import type { Parameters } from '../views';
import { Translations } from './languages';
import { RecordView } from './record';

export default function Motion({ parameters: { slug = '' } }: { parameters: Parameters }) {
  return (
    <RecordView document={MotionRecord} slug={slug} find={(data) => data.motion}>
      {(motion) => (
        <>
          <div>
            {motion.summary && (
              <p className="lead" dir="auto" lang={motion.summaryLanguage ?? undefined}>
                {motion.summary}
              </p>
            )}
            <Translations of={motion.translations} />
            <Facts
              of={[
                [t.field('proposers'), motion.proposers.nodes.length > 0 && <Records of={motion.proposers.nodes} />],
                [t.field('proposedOn'), motion.proposedOn && <When from={motion.proposedOn} />],
                [t.field('topics'), motion.topics.nodes.length > 0 && <Records of={motion.topics.nodes} />],
                [t.field('meeting'), motion.meeting && <RecordLink record={motion.meeting} />],
              ]}
            />
          </div>
          <Divisions title={t.divisions} filter={{ motion: { slug: { equals: slug } } }} orderBy="DATE_ASC" />
        </>
      )}
    </RecordView>
  );
}
