import { type ActorFactsFragment, ActorRecord } from '../api/documents';
import { meeting } from '../lists/entries';
import {
  Commentaries,
  Events,
  Meetings,
  Motions,
  Positions,
  Relations,
  Sources,
  Statements,
  Votes,
} from '../lists/lists';
import { Facts } from '../parts/entry';
import { When } from '../parts/when';
import { Link } from '../router';
import { t } from '../texts';
import type { Parameters } from '../views';
import { Names, Translations } from './languages';
import { RecordView } from './record';

export default function Actor({ parameters: { slug = '' } }: { parameters: Parameters }) {
  const it = { slug: { equals: slug } };
  return (
    <RecordView
      document={ActorRecord}
      slug={slug}
      find={(data) => data.actor}
      kind={({ kind, organizationKind }) => t.word(organizationKind ?? kind)}
    >
      {(actor) => (
        <>
          <div>
            <Names of={actor.names} />
            {actor.summary && (
              <p className="lead" dir="auto" lang={actor.summaryLanguage ?? undefined}>
                {actor.summary}
              </p>
            )}
            <Translations of={actor.translations} />
            <Facts
              of={[
                [t.field('bornOn'), actor.bornOn && <When from={actor.bornOn} />],
                [t.field('diedOn'), actor.diedOn && <When from={actor.diedOn} />],
                [t.field('foundedOn'), actor.foundedOn && <When from={actor.foundedOn} />],
                [t.field('dissolvedOn'), actor.dissolvedOn && <When from={actor.dissolvedOn} />],
                [t.field('gender'), actor.gender && t.word(actor.gender)],
                [t.field('coordinates'), coordinatesOf(actor)],
                ...actor.identifiers.map(({ scheme, value }): [string, string] => [scheme, value]),
                ...actor.links.map(({ url, kind, note }): [string, React.ReactNode] => [
                  t.word(kind),
                  <a key={url} href={url} rel="noreferrer nofollow">
                    <bdi>{note ?? url}</bdi>
                  </a>,
                ]),
              ]}
            />
          </div>
          <Positions title={t.positions} filter={{ holder: it }} />
          <Statements
            title={t.statements}
            filter={{ speaker: it }}
            orderBy="DATE_DESC"
            all={`statements?speaker=${slug}`}
          />
          <Statements title={t.statementsOnBehalf} filter={{ onBehalfOf: it }} orderBy="DATE_DESC" />
          <Statements title={t.statementsAddressed} filter={{ addressees: it }} orderBy="DATE_DESC" />
          {actor.meetings.edges.length > 0 && (
            <section className="section">
              <h2>{t.meetings}</h2>
              <ul>{actor.meetings.edges.map(({ role, node }) => meeting(node, role))}</ul>
              {actor.meetings.pageInfo.hasNextPage && (
                <p>
                  <Link to={`meetings?participants=${slug}`}>{t.allToNarrow}</Link>
                </p>
              )}
            </section>
          )}
          <Meetings title={t.meetingsHeld} filter={{ venue: it }} orderBy="DATE_DESC" />
          <Relations title={t.relations} filter={{ or: [{ subject: it }, { object: it }] }} />
          <Events
            title={t.events}
            filter={{ or: [{ actors: it }, { targets: it }, { place: it }] }}
            orderBy="DATE_DESC"
          />
          <Votes title={t.votes} filter={{ actor: it }} orderBy="ENTERED_DESC" all={`votes?actor=${slug}`} />
          <Motions title={t.motions} filter={{ proposers: it }} orderBy="DATE_DESC" />
          <Commentaries title={t.commentaries} filter={{ aboutActor: it }} orderBy="ORDINAL_ASC" />
          <Commentaries title={t.commentariesAuthored} filter={{ author: it }} orderBy="ORDINAL_ASC" />
          <Sources title={t.sources} filter={{ or: [{ publisher: it }, { authors: it }] }} orderBy="DATE_DESC" />
        </>
      )}
    </RecordView>
  );
}

/** Where an actor is, in degrees, and how exactly that is known. */
function coordinatesOf({ latitude, longitude, coordinatePrecision }: ActorFactsFragment) {
  if (latitude === null || longitude === null) return null;
  const place = `${latitude}, ${longitude}`;
  return coordinatePrecision === null ? place : `${place} ${t.exactTo(coordinatePrecision)}`;
}
