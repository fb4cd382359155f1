import type { ComponentType } from 'react';
import type { Document } from '../api/document';
import * as documents from '../api/documents';
import * as lists from '../lists/lists';

export interface Value {
  value: documents.RecordRefFragment | string | number | null;
  count: number;
}

type Facets = { list: { totalCount: number; facets: Record<string, Value[]> } };

/** A filter by one value of a facet. */
type Filter = (value: string) => object;

interface Browsed {
  list: ComponentType<{ title: string; empty?: string; filter: never; orderBy: never }>;
  order: string;
  document: Document<Facets, never>;
  /** By each facet. */
  filters: Record<string, Filter>;
  /** The field of their date, if they have one: `from` and `until` narrow it down. */
  date?: string;
  /** The field of their topics, if they have any: `within` is a topic with its sub-topics. */
  topics?: string;
}

// The generated types of documents and filters differ by record type; a view makes them from this table.
const browsed = (one: Record<keyof Omit<Browsed, 'date' | 'topics'>, unknown> & Pick<Browsed, 'date' | 'topics'>) =>
  one as Browsed;

const record = (name: string): [string, Filter] => [name, (slug) => ({ [name]: { slug: { equals: slug } } })];
const value = (name: string): [string, Filter] => [name, (value) => ({ [name]: { equals: value } })];
/** A year, by the field that filters by date: what may lie in it is found. */
const year = (field: string): [string, Filter] => [
  'year',
  (year) => ({ [field]: { from: year, until: year, isUnknown: false } }),
];
const filters = (...all: [string, Filter][]) => Object.fromEntries(all);

/** The filter of an address. What it has several times, a record must have all of; what has a date, has a known one. */
export function filterOf({ filters, date, topics }: Browsed, parameters: URLSearchParams): { and: object[] } {
  const chosen = Object.entries(filters).flatMap(([facet, by]) => parameters.getAll(facet).map(by));
  const within = topics ? parameters.getAll('within').map((slug) => ({ [topics]: { within: { slug } } })) : [];
  const [from, until] = [parameters.get('from'), parameters.get('until')];
  const isUnknown = parameters.get('date') === 'unknown';
  const period = { isUnknown, ...(from && { from }), ...(until && { until }) };
  const dated = date && (isUnknown || from || until) ? [{ [date]: period }] : [];
  return { and: [...chosen, ...within, ...dated] };
}

/** How the records of each type are listed and narrowed down, by the first word of their addresses. */
export const types: Record<string, Browsed> = {
  actors: browsed({
    list: lists.Actors,
    order: 'NAME_ASC',
    document: documents.ActorFacets,
    filters: filters(value('kind'), value('organizationKind'), value('gender')),
  }),
  commentaries: browsed({
    list: lists.Commentaries,
    order: 'ORDINAL_ASC',
    document: documents.CommentaryFacets,
    filters: filters(record('author'), record('source'), value('likelihood'), value('confidence')),
  }),
  divisions: browsed({
    list: lists.Divisions,
    order: 'DATE_DESC',
    date: 'heldOn',
    document: documents.DivisionFacets,
    filters: filters(year('held'), value('result'), record('meeting')),
  }),
  events: browsed({
    list: lists.Events,
    order: 'DATE_DESC',
    date: 'occurredOn',
    document: documents.EventFacets,
    filters: filters(
      year('occurred'),
      value('eventType'),
      value('mode'),
      record('actors'),
      record('targets'),
      record('place'),
    ),
  }),
  meetings: browsed({
    list: lists.Meetings,
    order: 'DATE_DESC',
    date: 'startsOn',
    topics: 'agenda',
    document: documents.MeetingFacets,
    filters: filters(year('held'), value('mode'), value('status'), record('participants'), record('agenda')),
  }),
  motions: browsed({
    list: lists.Motions,
    order: 'DATE_DESC',
    date: 'proposedOn',
    topics: 'topic',
    document: documents.MotionFacets,
    filters: filters(year('proposed'), record('topic'), record('proposers')),
  }),
  relations: browsed({
    list: lists.Relations,
    order: 'DATE_DESC',
    document: documents.RelationFacets,
    filters: filters(year('valid'), value('kind'), record('subject'), record('object')),
  }),
  sources: browsed({
    list: lists.Sources,
    order: 'TITLE_ASC',
    date: 'publishedOn',
    document: documents.SourceFacets,
    filters: filters(year('published'), record('publisher'), value('reliability')),
  }),
  statements: browsed({
    list: lists.Statements,
    order: 'DATE_DESC',
    date: 'said',
    topics: 'topic',
    document: documents.StatementFacets,
    filters: filters(year('said'), record('speaker'), record('topic'), value('eventType'), value('medium')),
  }),
  topics: browsed({
    list: lists.Topics,
    order: 'NAME_ASC',
    document: documents.TopicFacets,
    filters: filters(record('parent')),
  }),
  votes: browsed({
    list: lists.Votes,
    order: 'ENTERED_DESC',
    document: documents.VoteFacets,
    filters: filters(value('choice'), record('actor'), record('party')),
  }),
};
