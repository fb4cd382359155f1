import type { Document } from '../api/document';
import * as documents from '../api/documents';
import type { SearchType, SavedFragment, RecordHeadFragment, RecordRefFragment } from '../api/documents';
import type { RecordType } from '../parts/record-link';
import type { KindName } from './kinds';

export interface Field {
  name: string;
  kind: KindName;
  required?: boolean;
  /** The values of a choice. */
  options?: readonly string[];
  /** The types of records that may be chosen. */
  types?: SearchType[];
}

interface Saved {
  saved: { record: RecordRefFragment | null; revision: number | null; userErrors: SavedFragment[] };
}

// The generated types of inputs differ by record type; a form makes its input from its fields.
type Input = { input: never };

export interface Form {
  type: RecordType;
  /** What an update calls the record that it changes. */
  key: string;
  fields: Field[];
  load: Document<{ record: RecordHeadFragment | null }, { slug: string }>;
  create: Document<Saved, Input>;
  update: Document<Saved, Input>;
}

const text = (name: string, required = false): Field => ({ name, kind: 'text', required });
const long = (name: string, required = false): Field => ({ name, kind: 'long', required });
const date = (name: string): Field => ({ name, kind: 'date' });
const choice = (name: string, options: readonly string[], required = false): Field => ({
  name,
  kind: 'choice',
  options,
  required,
});
const record = (name: string, types: SearchType[], required = false): Field => ({
  name,
  kind: 'record',
  types,
  required,
});
const records = (name: string, types: SearchType[]): Field => ({ name, kind: 'records', types });
const citations = (required = false): Field => ({ name: 'citations', kind: 'citations', required });
const slug: Field = { name: 'slug', kind: 'slug', required: true };

const ACTOR_KINDS: documents.ActorKind[] = [
  'PERSON',
  'COUNTRY',
  'TERRITORY',
  'ORGANIZATION',
  'MEDIA',
  'GROUP',
  'PLACE',
];
const ORGANIZATION_KINDS: documents.OrganizationKind[] = [
  'PARTY',
  'PARLIAMENT',
  'PARLIAMENTARY_GROUP',
  'COMMITTEE',
  'GOVERNMENT',
  'MINISTRY',
  'PUBLIC_BODY',
  'COURT',
  'SECURITY_FORCE',
  'ARMED_GROUP',
  'INTERNATIONAL_BODY',
  'COMPANY',
  'ASSOCIATION',
  'UNIVERSITY',
  'OTHER',
];
const GENDERS: documents.Gender[] = ['FEMALE', 'MALE', 'OTHER'];
const MODES: documents.MeetingMode[] = [
  'VISIT',
  'MULTILATERAL',
  'BILATERAL',
  'CALL',
  'CONFERENCE',
  'INTERVIEW',
  'OTHER',
];
const STATUSES: documents.MeetingStatus[] = ['OCCURRED', 'SCHEDULED', 'POSTPONED', 'CANCELLED', 'HYPOTHETICAL'];
const MEDIA: documents.StatementMedium[] = ['SPEECH', 'INTERVIEW', 'ARTICLE', 'WRITTEN', 'CONVERSATION', 'UNSPECIFIED'];
const RENDERINGS: documents.StatementRendering[] = ['PARAPHRASE', 'VERBATIM'];
const EVENT_TYPES: documents.EventType[] = [
  'STATEMENT',
  'AGREE',
  'CONSULT',
  'SUPPORT',
  'CONCEDE',
  'COOPERATE',
  'AID',
  'RETREAT',
  'REQUEST',
  'ACCUSE',
  'REJECT',
  'THREATEN',
  'PROTEST',
  'SANCTION',
  'MOBILIZE',
  'COERCE',
  'ASSAULT',
];
const LIKELIHOODS: documents.Likelihood[] = [
  'ALMOST_NO_CHANCE',
  'VERY_UNLIKELY',
  'UNLIKELY',
  'ROUGHLY_EVEN',
  'LIKELY',
  'VERY_LIKELY',
  'ALMOST_CERTAIN',
];
const CONFIDENCES: documents.Confidence[] = ['LOW', 'MODERATE', 'HIGH'];

/** The forms, by the first word of their records' addresses. */
export const forms: Record<string, Form> = {
  actors: {
    type: 'Actor',
    key: 'actor',
    fields: [
      text('name', true),
      choice('kind', ACTOR_KINDS, true),
      { name: 'names', kind: 'names' },
      long('summary'),
      choice('organizationKind', ORGANIZATION_KINDS),
      choice('gender', GENDERS),
      date('bornOn'),
      date('diedOn'),
      date('foundedOn'),
      date('dissolvedOn'),
      citations(),
      slug,
    ],
    load: documents.EditActor,
    create: documents.CreateActor,
    update: documents.UpdateActor,
  },
  meetings: {
    type: 'Meeting',
    key: 'meeting',
    fields: [
      text('name', true),
      long('summary'),
      choice('mode', MODES, true),
      choice('status', STATUSES, true),
      date('startsOn'),
      date('endsOn'),
      record('venue', ['ACTOR']),
      record('parent', ['MEETING']),
      { name: 'participants', kind: 'participants', types: ['ACTOR'] },
      records('agenda', ['TOPIC']),
      citations(),
      slug,
    ],
    load: documents.EditMeeting,
    create: documents.CreateMeeting,
    update: documents.UpdateMeeting,
  },
  statements: {
    type: 'Statement',
    key: 'statement',
    fields: [
      record('speaker', ['ACTOR']),
      text('speakerRole'),
      record('onBehalfOf', ['ACTOR']),
      records('addressees', ['ACTOR']),
      long('summary', true),
      choice('rendering', RENDERINGS, true),
      long('quote'),
      choice('eventType', EVENT_TYPES, true),
      choice('medium', MEDIA, true),
      date('saidOn'),
      record('meeting', ['MEETING']),
      record('publication', ['ACTOR']),
      text('language'),
      records('topics', ['TOPIC']),
      citations(true),
      slug,
    ],
    load: documents.EditStatement,
    create: documents.CreateStatement,
    update: documents.UpdateStatement,
  },
  commentaries: {
    type: 'Commentary',
    key: 'commentary',
    fields: [
      record('author', ['ACTOR'], true),
      record('source', ['SOURCE'], true),
      { name: 'ordinal', kind: 'number', required: true },
      long('question', true),
      long('summary', true),
      choice('likelihood', LIKELIHOODS),
      choice('confidence', CONFIDENCES),
      { name: 'targets', kind: 'targets', types: ['ACTOR', 'MEETING', 'STATEMENT', 'TOPIC'] },
      citations(true),
      slug,
    ],
    load: documents.EditCommentary,
    create: documents.CreateCommentary,
    update: documents.UpdateCommentary,
  },
};
