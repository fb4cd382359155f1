import { MeetingRecord } from '../api/documents';
import { Records } from '../lists/entries';
import { Commentaries, Divisions, Events, Meetings, Motions, Statements } from '../lists/lists';
import { Facts } from '../parts/entry';
import { RecordLink } from '../parts/record-link';
import { When } from '../parts/when';
import { t } from '../texts';
import type { Parameters } from '../views';
import { Translations } from './languages';
import { RecordView } from './record';

export default function Meeting({ parameters: { slug = '' } }: { parameters: Parameters }) {
  const it = { slug: { equals: slug } };
  return (
    <RecordView document={MeetingRecord} slug={slug} find={(data) => data.meeting}>
      {(meeting) => (
        <>
          <div>
            {meeting.summary && (
              <p className="lead" dir="auto" lang={meeting.summaryLanguage ?? undefined}>
                {meeting.summary}
              </p>
            )}
            <Translations of={meeting.translations} />
            <Facts
              of={[
                [t.field('mode'), t.word(meeting.mode)],
                [t.field('status'), t.word(meeting.status)],
                [
                  t.field('date'),
                  meeting.startsOn || meeting.endsOn ? (
                    <When from={meeting.startsOn} until={meeting.endsOn ?? meeting.startsOn} />
                  ) : (
                    t.unknownDate
                  ),
                ],
                [t.field('venue'), meeting.venue && <RecordLink record={meeting.venue} />],
                [t.field('parent'), meeting.parent && <RecordLink record={meeting.parent} />],
                [t.field('agenda'), meeting.agenda.nodes.length > 0 && <Records of={meeting.agenda.nodes} />],
              ]}
            />
          </div>
          {meeting.participants.edges.length > 0 && (
            <section className="section">
              <h2>{t.participants}</h2>
              <ul className="participants">
                {meeting.participants.edges.map(({ role, node }) => (
                  <li key={`${node.id} ${role}`}>
                    <RecordLink record={node} /> <span className="small soft">{t.word(role)}</span>
                  </li>
                ))}
              </ul>
              {meeting.participants.totalCount > meeting.participants.edges.length && (
                <p className="small soft">
                  {t.start.andMore(meeting.participants.totalCount - meeting.participants.edges.length)}
                </p>
              )}
            </section>
          )}
          <Statements title={t.statements} filter={{ meeting: it }} orderBy="ORDINAL_ASC" />
          <Meetings title={t.meetingsWithin} filter={{ parent: it }} orderBy="DATE_ASC" />
          <Events title={t.events} filter={{ meeting: it }} orderBy="DATE_ASC" />
          <Motions title={t.motions} filter={{ meeting: it }} orderBy="DATE_ASC" />
          <Divisions title={t.divisions} filter={{ meeting: it }} orderBy="DATE_ASC" />
          <Commentaries title={t.commentaries} filter={{ aboutMeeting: it }} orderBy="ORDINAL_ASC" />
        </>
      )}
    </RecordView>
  );
}
