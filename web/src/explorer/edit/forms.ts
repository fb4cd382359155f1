import type { Document } from '../api/document';
import * as documents from '../api/documents';
import type { RecordHeadFragment, RecordRefFragment, SavedFragment } from '../api/documents';
import { inputs, values } from '../api/documents.inputs.json';
import type { RecordType } from '../parts/record-link';
import type { KindName } from './kinds';

export interface Field {
  name: string;
  kind: KindName;
  required: boolean;
  /** The values of a choice, or the roles of the items of a list. */
  options: readonly string[];
  /** The types of records that may be chosen. */
  types: RecordType[];
}

interface Outcome {
  revision: number | null;
  userErrors: SavedFragment[];
}

interface Saved extends Outcome {
  record: RecordRefFragment | null;
}

// The generated types of inputs differ by record type; a form makes its input from its fields.
type Input = { input: never };

export interface Form {
  type: RecordType;
  /** What mutations call the record that they change. */
  key: string;
  fields: Field[];
  load: Document<{ record: RecordHeadFragment | null }, { slug: string }>;
  create: Document<{ saved: Saved }, Input>;
  update: Document<{ saved: Saved }, Input>;
  delete: Document<{ saved: Outcome }, Input>;
}

/** Texts of more than a line. */
const LONG = ['summary', 'quote', 'question'];

/** How values of a type of the schema are entered. */
const KINDS: Record<string, KindName> = {
  ActorIdentifierInput: 'identifiers',
  ActorLinkInput: 'links',
  ActorNameInput: 'names',
  CitationInput: 'citations',
  CommentaryTargetInput: 'targets',
  Decimal: 'amount',
  EvidenceItemInput: 'evidence',
  Float: 'number',
  Int: 'number',
  MeetingParticipantInput: 'participants',
  PartialDate: 'date',
  StatementEventInput: 'events',
  String: 'text',
  TopicIdentifierInput: 'identifiers',
  TopicNameInput: 'names',
  URL: 'url',
};

/** What lists of the schema are of: the types of their records, and the enum of their roles. */
const LISTS: Record<string, { types?: RecordType[]; roles?: keyof typeof values }> = {
  ActorLinkInput: { roles: 'ActorLinkKind' },
  ActorNameInput: { roles: 'ActorNameKind' },
  CitationInput: { types: ['Source'], roles: 'Credibility' },
  CommentaryTargetInput: { types: ['Actor', 'Meeting', 'Statement', 'Topic'] },
  EvidenceItemInput: { types: ['Statement', 'Commentary', 'Vote'], roles: 'EvidenceRole' },
  MeetingParticipantInput: { types: ['Actor'], roles: 'ParticipantRole' },
  StatementEventInput: { types: ['Event'], roles: 'EventReferenceKind' },
  TopicNameInput: { roles: 'TopicNameKind' },
};

/** A field as the schema describes it. */
function fieldOf(type: RecordType, name: string): Field {
  const given = (inputs[type] as Record<string, string>)[name]!;
  const inner = given.replace(/\W/g, '');
  const required = given.endsWith('!');
  const options = (values as Record<string, string[]>)[LISTS[inner]?.roles ?? inner] ?? [];
  const by = /^(\w+)By$/.exec(inner)?.[1] as RecordType | undefined;
  if (by) return { name, kind: given.startsWith('[') ? 'records' : 'record', required, options, types: [by] };
  const [isChoice, isSlug, isLong] = [inner in values, name === 'slug', LONG.includes(name)];
  const kind = isChoice ? 'choice' : isSlug ? 'slug' : isLong ? 'long' : KINDS[inner]!;
  return { name, kind, required, options, types: LISTS[inner]?.types ?? [] };
}

/** The form of a type: what it enters, in this order. */
function form<Type extends RecordType>(
  type: Type,
  load: Form['load'],
  ...names: (keyof (typeof inputs)[Type] & string)[]
): Form {
  const key = type.toLowerCase();
  const fields = [...names, 'slug'].map((name) => fieldOf(type, name));
  return { type, key, fields, load, ...(documents.saves[type] as Pick<Form, 'create' | 'update' | 'delete'>) };
}

// prettier-ignore
const all = [
  form('Statement', documents.EditStatement,
    'speaker', 'speakerRole', 'onBehalfOf', 'addressees', 'summary', 'rendering', 'quote', 'eventType', 'medium', 'saidOn',
    'meeting', 'publication', 'language', 'topics', 'citations', 'repliesTo', 'repeats', 'contradicts', 'events'),
  form('Meeting', documents.EditMeeting,
    'name', 'summary', 'mode', 'status', 'startsOn', 'endsOn', 'venue', 'parent', 'participants', 'agenda', 'citations'),
  form('Actor', documents.EditActor,
    'name', 'kind', 'names', 'summary', 'organizationKind', 'gender', 'bornOn', 'diedOn', 'foundedOn', 'dissolvedOn',
    'identifiers', 'links', 'citations'),
  form('Commentary', documents.EditCommentary,
    'author', 'source', 'ordinal', 'question', 'summary', 'likelihood', 'confidence', 'targets', 'citations'),
  form('Position', documents.EditPosition,
    'holder', 'stance', 'topic', 'confidence', 'heldFrom', 'heldUntil', 'evidenceItems', 'citations'),
  form('Relation', documents.EditRelation,
    'subject', 'kind', 'object', 'label', 'validFrom', 'validUntil', 'share', 'area', 'term', 'onBehalfOf', 'citations'),
  form('Event', documents.EditEvent,
    'name', 'summary', 'eventType', 'mode', 'actors', 'targets', 'place', 'occurredOn', 'endedOn', 'killed', 'injured',
    'amount', 'currency', 'meeting', 'parent', 'citations'),
  form('Motion', documents.EditMotion,
    'name', 'summary', 'proposers', 'topics', 'meeting', 'proposedOn', 'citations'),
  form('Division', documents.EditDivision,
    'motion', 'name', 'meeting', 'heldOn', 'result', 'citations'),
  form('Vote', documents.EditVote,
    'actor', 'choice', 'division', 'party', 'citations'),
  form('Topic', documents.EditTopic,
    'name', 'names', 'parent', 'identifiers', 'citations'),
  form('Source', documents.EditSource,
    'title', 'publisher', 'authors', 'url', 'language', 'publishedOn', 'reliability'),
];

/** The forms of all types, those that are entered most first. */
export const forms = new Map(all.map((form) => [form.type, form]));
