import type * as documents from '../api/documents';
import * as format from '../format';
import { Entry } from '../parts/entry';
import { RecordLink, isShown, placeOf } from '../parts/record-link';
import { Stance } from '../parts/stance';
import { When } from '../parts/when';
import { Link, addressIn } from '../router';
import { t } from '../texts';

type Ref = documents.RecordRefFragment;

/** Several records, one after the other. */
export const Records = ({ of }: { of: Pick<Ref, 'id' | '__typename' | 'slug' | 'label'>[] }) =>
  of.map((record, at) => (
    <span key={record.id}>
      {at > 0 && ', '}
      <RecordLink record={record} />
    </span>
  ));

/** Small facts in a line, those that are known. */
function Line({ of }: { of: (React.ReactNode | false | null | undefined)[] }) {
  const known = of.filter((part) => part !== null && part !== undefined && part !== false && part !== '');
  return (
    <p className="small soft figures">
      {known.map((part, at) => (
        // The parts of a line never change their order.
        <span key={at}>
          {at > 0 && ' · '}
          {part}
        </span>
      ))}
    </p>
  );
}

/** A record, unless it is the one that is shown: its own page need not name it in each entry. */
const elsewhere = (record: Ref | null) =>
  record && !isShown(record, addressIn(location.href).segments) && <RecordLink record={record} />;

/** Text of a record that leads to it. */
export const Quiet = ({
  record,
  children,
}: {
  record: Pick<Ref, '__typename' | 'slug'>;
  children: React.ReactNode;
}) => (
  <Link to={placeOf(record)} className="quiet" dir="auto">
    {children}
  </Link>
);

export const actor = (one: documents.ActorEntryFragment) => (
  <Entry key={one.id}>
    <p>
      <RecordLink record={one} /> <span className="small soft">{t.word(one.kind)}</span>
    </p>
    {one.summary && <p dir="auto">{one.summary}</p>}
  </Entry>
);

export const meeting = (one: documents.MeetingEntryFragment, role?: string) => (
  <Entry key={one.id} citations={one.citations}>
    <p>
      <RecordLink record={one} />
    </p>
    <Line
      of={[
        role && t.word(role),
        t.word(one.mode),
        one.status !== 'OCCURRED' && t.word(one.status),
        elsewhere(one.venue),
        (one.startsOn || one.endsOn) && <When from={one.startsOn} until={one.endsOn ?? one.startsOn} />,
      ]}
    />
    {one.summary && <p dir="auto">{one.summary}</p>}
  </Entry>
);

export const statement = (one: documents.StatementEntryFragment) => (
  <Entry key={one.id} citations={one.citations}>
    <p className="small soft">
      {one.speaker ? <RecordLink record={one.speaker} /> : t.unknownSpeaker}
      {one.speakerRole && (
        <>
          , <bdi>{one.speakerRole}</bdi>
        </>
      )}
      {one.onBehalfOf && (
        <>
          {' '}
          {t.onBehalfOf} <RecordLink record={one.onBehalfOf} />
        </>
      )}
      {one.addressees.nodes.length > 0 && (
        <>
          {' → '}
          <Records of={one.addressees.nodes} />
        </>
      )}
    </p>
    {one.quote ? (
      <blockquote dir="auto">
        <Quiet record={one}>
          <q>{one.quote}</q>
        </Quiet>
      </blockquote>
    ) : (
      <p>
        <Quiet record={one}>{one.summary}</Quiet>
      </p>
    )}
    {(one.meeting || one.publication || one.saidOn) && (
      <Line of={[elsewhere(one.meeting), elsewhere(one.publication), one.saidOn && <When from={one.saidOn} />]} />
    )}
  </Entry>
);

export const relation = (one: documents.RelationEntryFragment) => (
  <Entry key={one.id} citations={one.citations}>
    <p>
      <RecordLink record={one.subject} />
      <span className="soft">: </span>
      <Quiet record={one}>{one.label}</Quiet>
      <span className="soft"> → </span>
      <RecordLink record={one.object} />
    </p>
    <Line
      of={[t.word(one.kind), (one.validFrom || one.validUntil) && <When from={one.validFrom} until={one.validUntil} />]}
    />
  </Entry>
);

export const position = (one: documents.PositionEntryFragment) => (
  <Entry key={one.id} citations={one.citations}>
    <p>
      <RecordLink record={one.holder} />{' '}
      <Link to={placeOf(one)} className="quiet">
        <Stance stance={one.stance} />
      </Link>{' '}
      <RecordLink record={one.topic} />
    </p>
    <Line
      of={[
        ...one.evidenceItems.map(({ role, evidence }) => (
          <>
            {role === 'CONTRADICTS' && `${t.word(role)}: `}
            {t.accordingTo} <RecordLink record={whoseWord(evidence)} />,{' '}
            <Link to={placeOf(evidence)}>{t.types[evidence.__typename].one}</Link>
          </>
        )),
        (one.heldFrom || one.heldUntil) && <When from={one.heldFrom} until={one.heldUntil} />,
      ]}
    />
  </Entry>
);

/** On whose word a position is known; if nobody's, the evidence itself. */
function whoseWord(evidence: documents.PositionEntryFragment['evidenceItems'][number]['evidence']): Ref {
  if (evidence.__typename === 'Vote') return evidence.actor;
  return (evidence.__typename === 'Statement' ? evidence.speaker : evidence.author) ?? evidence;
}

export const commentary = (one: documents.CommentaryEntryFragment) => (
  <Entry key={one.id} citations={one.citations}>
    <p className="small soft">
      <RecordLink record={one.author} />
    </p>
    <p>
      <em>
        <Quiet record={one}>{one.question}</Quiet>
      </em>
    </p>
    <p dir="auto">{one.summary}</p>
    {(one.likelihood || one.confidence) && (
      <Line of={[one.likelihood && t.word(one.likelihood), one.confidence && t.confidence(t.word(one.confidence))]} />
    )}
  </Entry>
);

export const event = (one: documents.EventEntryFragment) => (
  <Entry key={one.id} citations={one.citations}>
    <p>
      <Quiet record={one}>{one.summary}</Quiet>
    </p>
    <Line
      of={[
        t.word(one.eventType),
        one.mode,
        one.actors.nodes.length > 0 && <Records of={one.actors.nodes} />,
        one.targets.nodes.length > 0 && (
          <>
            → <Records of={one.targets.nodes} />
          </>
        ),
        one.place && <RecordLink record={one.place} />,
        one.occurredOn && <When from={one.occurredOn} until={one.endedOn ?? one.occurredOn} />,
        one.killed !== null && t.killed(one.killed),
        one.injured !== null && t.injured(one.injured),
      ]}
    />
  </Entry>
);

export const motion = (one: documents.MotionEntryFragment) => (
  <Entry key={one.id} citations={one.citations}>
    <p>
      <RecordLink record={one} />
    </p>
    <Line
      of={[
        one.proposers.nodes.length > 0 && <Records of={one.proposers.nodes} />,
        one.proposedOn && <When from={one.proposedOn} />,
      ]}
    />
    {one.summary && <p dir="auto">{one.summary}</p>}
  </Entry>
);

export const division = (one: documents.DivisionEntryFragment) => (
  <Entry key={one.id} citations={one.citations}>
    <p>
      <RecordLink record={one} />
    </p>
    <Line
      of={[
        <RecordLink record={one.motion} />,
        one.result && t.word(one.result),
        one.heldOn && <When from={one.heldOn} />,
      ]}
    />
  </Entry>
);

export const vote = (one: documents.VoteEntryFragment) => (
  <Entry key={one.id} citations={one.citations}>
    <p>
      <RecordLink record={one.actor} /> <Quiet record={one}>{t.word(one.choice)}</Quiet>
    </p>
    <Line
      of={[
        one.party && <RecordLink record={one.party} />,
        <RecordLink record={one.division.motion} />,
        one.division.heldOn && <When from={one.division.heldOn} />,
      ]}
    />
  </Entry>
);

export const topic = (one: documents.TopicEntryFragment) => (
  <Entry key={one.id}>
    <p>
      <RecordLink record={one} />
      {one.parent && (
        <span className="small soft">
          {' '}
          {t.partOf} <RecordLink record={one.parent} />
        </span>
      )}
    </p>
  </Entry>
);

export const source = (one: documents.SourceEntryFragment) => (
  <Entry key={one.id}>
    <p>
      <RecordLink record={one} />
    </p>
    <Line
      of={[
        one.authors.nodes.length > 0 && <Records of={one.authors.nodes} />,
        one.publisher && <RecordLink record={one.publisher} />,
        one.publishedOn && <When from={one.publishedOn} />,
        one.language && format.languageName(one.language),
        one.reliability && t.reliability(one.reliability),
      ]}
    />
  </Entry>
);
