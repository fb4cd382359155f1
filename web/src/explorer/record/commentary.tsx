import { CommentaryRecord } from '../api/documents';
import * as format from '../format';
import { Records } from '../lists/entries';
import { Positions } from '../lists/lists';
import { Facts } from '../parts/entry';
import { RecordLink } from '../parts/record-link';
import { t } from '../texts';
import type { Parameters } from '../views';
import { Translations } from './languages';
import { RecordView } from './record';

export default function Commentary({ parameters: { slug = '' } }: { parameters: Parameters }) {
  return (
    <RecordView
      document={CommentaryRecord}
      slug={slug}
      find={(data) => data.commentary}
      title={({ question }) => question}
    >
      {(commentary) => (
        <>
          <div>
            <p className="lead" dir="auto" lang={commentary.summaryLanguage ?? undefined}>
              {commentary.summary}
            </p>
            <Translations of={commentary.translations} />
            <Facts
              of={[
                [t.field('author'), <RecordLink key="author" record={commentary.author} />],
                [t.field('source'), <RecordLink key="source" record={commentary.source} />],
                [t.field('ordinal'), format.number(commentary.ordinal)],
                [t.field('likelihood'), commentary.likelihood && t.word(commentary.likelihood)],
                [t.field('confidence'), commentary.confidence && t.word(commentary.confidence)],
                [t.field('targets'), commentary.targets.length > 0 && <Records of={commentary.targets} />],
              ]}
            />
          </div>
          <Positions title={t.positionsOn} filter={{ evidenceItems: { commentary: { slug: { equals: slug } } } }} />
        </>
      )}
    </RecordView>
  );
}
