import { StatementRecord } from '../api/documents';
import * as format from '../format';
import { Records } from '../lists/entries';
import { Commentaries, Positions, Statements } from '../lists/lists';
import { Facts } from '../parts/entry';
import { RecordLink } from '../parts/record-link';
import { When } from '../parts/when';
import { t } from '../texts';
import type { Parameters } from '../views';
import { Translations } from './languages';
import { RecordView } from './record';

export default function Statement({ parameters: { slug = '' } }: { parameters: Parameters }) {
  const it = { slug: { equals: slug } };
  return (
    <RecordView document={StatementRecord} slug={slug} find={(data) => data.statement} title={({ summary }) => summary}>
      {(statement) => (
        <>
          <div>
            {statement.quote && (
              <blockquote className="lead" dir="auto" lang={statement.quoteLanguage ?? statement.language ?? undefined}>
                <q>{statement.quote}</q>
              </blockquote>
            )}
            <Translations of={statement.translations} />
            <Facts
              of={[
                [t.field('speaker'), statement.speaker ? <RecordLink record={statement.speaker} /> : t.unknownSpeaker],
                [t.field('speakerRole'), statement.speakerRole && <bdi>{statement.speakerRole}</bdi>],
                [t.field('onBehalfOf'), statement.onBehalfOf && <RecordLink record={statement.onBehalfOf} />],
                [
                  t.field('addressees'),
                  statement.addressees.nodes.length > 0 && <Records of={statement.addressees.nodes} />,
                ],
                [t.field('meeting'), statement.meeting && <RecordLink record={statement.meeting} />],
                [t.field('publication'), statement.publication && <RecordLink record={statement.publication} />],
                [t.field('saidOn'), statement.saidOn ? <When from={statement.saidOn} /> : t.unknownDate],
                [t.field('medium'), statement.medium !== 'UNSPECIFIED' && t.word(statement.medium)],
                [t.field('rendering'), t.word(statement.rendering)],
                [t.field('eventType'), t.word(statement.eventType)],
                [t.field('language'), statement.language && format.languageName(statement.language)],
                [t.field('topics'), statement.topics.nodes.length > 0 && <Records of={statement.topics.nodes} />],
                ...statement.events.edges.map(({ kind, node }): [string, React.ReactNode] => [
                  t.word(kind),
                  <RecordLink key={node.id} record={node} />,
                ]),
                [t.corroboration, t.corroborated(statement.corroboration)],
              ]}
            />
          </div>
          <Positions title={t.positionsOn} filter={{ evidenceItems: { statement: it } }} />
          <Statements title={t.replies} filter={{ repliesTo: it }} />
          <Statements title={t.repliesTo} filter={{ replies: it }} />
          <Statements title={t.repeats} filter={{ or: [{ repeats: it }, { repeatedBy: it }] }} />
          <Statements title={t.contradicts} filter={{ or: [{ contradicts: it }, { contradictedBy: it }] }} />
          <Commentaries title={t.commentaries} filter={{ aboutStatement: it }} orderBy="ORDINAL_ASC" />
        </>
      )}
    </RecordView>
  );
}
