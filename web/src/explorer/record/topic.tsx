import { TopicRecord } from '../api/documents';
import { Records } from '../lists/entries';
import { Commentaries, Meetings, Motions, Positions, Statements } from '../lists/lists';
import { Facts } from '../parts/entry';
import { RecordLink } from '../parts/record-link';
import { t } from '../texts';
import type { Parameters } from '../views';
import { Names } from './languages';
import { RecordView } from './record';

export default function Topic({ parameters: { slug = '' } }: { parameters: Parameters }) {
  const it = { within: { slug } };
  return (
    <RecordView document={TopicRecord} slug={slug} find={(data) => data.topic}>
      {(topic) => (
        <>
          <div>
            <Names of={topic.names} />
            <Facts
              of={[
                [t.field('parent'), topic.parent && <RecordLink record={topic.parent} />],
                [t.field('children'), topic.children.nodes.length > 0 && <Records of={topic.children.nodes} />],
                ...topic.identifiers.map(({ scheme, value }): [string, string] => [scheme, value]),
              ]}
            />
          </div>
          <Positions title={t.positions} filter={{ topic: it }} orderBy="HELD_DESC" />
          <Statements title={t.statements} filter={{ topic: it }} orderBy="DATE_DESC" />
          <Meetings title={t.meetings} filter={{ agenda: it }} orderBy="DATE_DESC" />
          <Motions title={t.motions} filter={{ topic: it }} orderBy="DATE_DESC" />
          <Commentaries title={t.commentaries} filter={{ aboutTopic: it }} orderBy="ORDINAL_ASC" />
        </>
      )}
    </RecordView>
  );
}
