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
  /** What each item of a list has. */
  parts: Field[];
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
  /** Fields that few records need: they stand apart. */
  further: Field[];
  load: Document<{ record: RecordHeadFragment | null }, { slug: string }>;
  create: Document<{ saved: Saved }, Input>;
  update: Document<{ saved: Saved }, Input>;
  delete: Document<{ saved: Outcome }, Input>;
}

/** Texts of more than a line. */
const LONG = ['summary', 'quote', 'question', 'Translation.value'];

/** How values of a type of the schema are entered. */
const KINDS: Record<string, KindName> = {
  ActorIdentifierInput: 'rows',
  ActorLinkInput: 'rows',
  ActorNameInput: 'rows',
  CitationInput: 'citations',
  CommentaryTargetInput: 'targets',
  Decimal: 'amount',
  EvidenceItemInput: 'evidence',
  Float: 'number',
  Int: 'number',
  MeetingParticipantInput: 'participants',
  OriginInput: 'rows',
  PartialDate: 'date',
  StatementEventInput: 'events',
  String: 'text',
  TopicIdentifierInput: 'rows',
  TopicNameInput: 'rows',
  TranslationInput: 'rows',
  URL: 'url',
};

/** Texts of a certain form, by name. */
const FORMS: Record<string, KindName> = {
  currency: 'currency',
  language: 'language',
  scheme: 'scheme',
  script: 'script',
  slug: 'slug',
};

/** What lists of the schema are of: the types of their records, and the enum of their roles. */
const LISTS: Record<string, { types: RecordType[]; roles?: keyof typeof values }> = {
  CitationInput: { types: ['Source'] },
  CommentaryTargetInput: { types: ['Actor', 'Meeting', 'Statement', 'Topic'] },
  EvidenceItemInput: { types: ['Statement', 'Commentary', 'Vote'], roles: 'EvidenceRole' },
  MeetingParticipantInput: { types: ['Actor'], roles: 'ParticipantRole' },
  StatementEventInput: { types: ['Event'], roles: 'EventReferenceKind' },
};

type Inputs = Record<string, Record<string, string>>;

const TRANSLATED = ['name', 'title', 'question', 'summary', 'quote'];

/** The fields of a type that are translated: names of actors have a list of their own. */
const translated = (type: string) =>
  TRANSLATED.filter(
    (name) => name in (inputs as Inputs)[type]! && !(name === 'name' && 'names' in (inputs as Inputs)[type]!),
  );

/** A field of an input as the schema describes it. */
function fieldOf(of: string, name: string, type = of): Field {
  const given = (inputs as Inputs)[of]![name]!;
  const inner = given.replace(/\W/g, '');
  const required = given.endsWith('!');
  const by = /^(\w+)By$/.exec(inner)?.[1] as RecordType | undefined;
  const enums = (values as Record<string, string[]>)[LISTS[inner]?.roles ?? inner] ?? [];
  const options = inner === 'TranslatedField' ? translated(type).map((one) => one.toUpperCase()) : enums;
  const field = { name, required, options, types: by ? [by] : (LISTS[inner]?.types ?? []), parts: [] };
  if (by) return { ...field, kind: given.startsWith('[') ? 'records' : 'record' };
  if (inner in values) return { ...field, kind: 'choice' };
  const isLong = LONG.includes(name) || LONG.includes(`${of}.${name}`);
  const form = isLong ? 'long' : name.endsWith('Language') ? 'language' : FORMS[name];
  const kind = (inner === 'String' && form) || KINDS[inner]!;
  return { ...field, kind, parts: kind === 'rows' || kind === 'citations' ? partsOf(inner, type) : [] };
}

/** What an item of a list has, besides the record that it is of. */
function partsOf(input: string, type: string): Field[] {
  const of = input.replace(/Input$/, '');
  const parts = Object.keys((inputs as Inputs)[of]!).map((name) => fieldOf(of, name, type));
  return parts.filter(({ kind }) => kind !== 'record');
}

/** Fields that few records need, in the order of forms. */
const FURTHER = ['latitude', 'longitude', 'coordinatePrecision', 'nameLanguage', 'titleLanguage', 'questionLanguage', 'summaryLanguage', 'quoteLanguage', 'translations', 'origins', 'slug']; // prettier-ignore

/** The form of a type: what it enters, in this order. */
function form<Type extends RecordType>(
  type: Type,
  load: Form['load'],
  ...names: (keyof (typeof inputs)[Type] & string)[]
): Form {
  const further = FURTHER.filter((name) => name in inputs[type]);
  return {
    type,
    key: type.toLowerCase(),
    fields: names.map((name) => fieldOf(type, name)),
    further: further.map((name) => fieldOf(type, name)),
    load,
    ...(documents.saves[type] as Pick<Form, 'create' | 'update' | 'delete'>),
  };
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
