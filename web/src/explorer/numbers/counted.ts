import type { Document } from '../api/document';
import * as documents from '../api/documents';
import type { AsOf, RecordRefFragment } from '../api/documents';
import type { Period, Step } from './periods';

/** What records are counted by: each has at most one of these. */
export interface Key {
  actor?: RecordRefFragment | null;
  topic?: RecordRefFragment | null;
  kind: string | null;
}

export type Dimension = keyof Key;

/** How many records there are in a period; the dates of some are known less exactly. */
export interface Count extends Record<Step, Period> {
  count: number;
  certain: number;
  possible: number;
}

type Groups<Group> = { groups: Group[] };
type Variables<Names extends string> = { asOf: AsOf | undefined } & Record<Names, unknown>;

/** A type of records that have a date: how they are counted, and which filters narrow them down. */
export interface Counted {
  most: Document<{ counted: Groups<Key> }, Variables<'filter' | 'by'>>;
  overTime: Document<
    { all: Groups<Count>; each: Groups<Key & Count> },
    Variables<'filter' | 'shown' | 'period' | 'by'>
  >;
  /** The grouping of each dimension. */
  by: Partial<Record<Dimension, string>>;
  /** The parameter of each dimension in the address of their list. */
  parameters: Partial<Record<Dimension, string>>;
  /** What their dates are called in groupings and in filters: the same dates, so that both find the same records. */
  date: [grouping: string, filter: string];
  ofActors: (slug: { equals: string } | { in: string[] }) => object;
  ofTopic?: (within: { slug: string }) => object;
}

// The generated types of filters and groupings differ by record type; a view makes them from this table.
const counted = (one: Record<keyof Counted, unknown> | Omit<Record<keyof Counted, unknown>, 'ofTopic'>) =>
  one as unknown as Counted;

/** What can be counted, by the first word of its addresses. */
export const types = {
  statements: counted({
    most: documents.MostStatements,
    overTime: documents.StatementsOverTime,
    by: { actor: 'SPEAKER', topic: 'TOPIC_WITHIN', kind: 'EVENT_TYPE' },
    parameters: { actor: 'speaker', topic: 'within', kind: 'eventType' },
    date: ['SAID_ON', 'said'],
    ofActors: (slug: object) => ({ speaker: { slug } }),
    ofTopic: (within: object) => ({ topic: { within } }),
  }),
  meetings: counted({
    most: documents.MostMeetings,
    overTime: documents.MeetingsOverTime,
    by: { actor: 'PARTICIPANTS', topic: 'AGENDA_WITHIN', kind: 'MODE' },
    parameters: { actor: 'participants', topic: 'within', kind: 'mode' },
    date: ['STARTS_ON', 'startsOn'],
    ofActors: (slug: object) => ({ participants: { slug } }),
    ofTopic: (within: object) => ({ agenda: { within } }),
  }),
  events: counted({
    most: documents.MostEvents,
    overTime: documents.EventsOverTime,
    by: { actor: 'ACTORS', kind: 'EVENT_TYPE' },
    parameters: { actor: 'actors', kind: 'eventType' },
    date: ['OCCURRED_ON', 'occurredOn'],
    ofActors: (slug: object) => ({ actors: { slug } }),
  }),
};

export type CountedType = keyof typeof types;
