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
  filters: Record<string, Filter>;
}

const browsed = (one: { list: unknown; order: string; document: unknown; filters: Record<string, Filter> }) =>
  one as Browsed;

const record = (name: string): [string, Filter] => [name, (slug) => ({ [name]: { slug: { equals: slug } } })];
const value = (name: string): [string, Filter] => [name, (value) => ({ [name]: { equals: value } })];
/** A year, by the field that filters by date: what may lie in it is found. */
const year = (field: string): [string, Filter] => [
  'year',
  (year) => ({ [field]: { from: year, until: year, isUnknown: false } }),
];
const filters = (...all: [string, Filter][]) => Object.fromEntries(all);

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
    document: documents.DivisionFacets,
    filters: filters(year('held'), value('result'), record('meeting')),
  }),
  events: browsed({
    list: lists.Events,
    order: 'DATE_DESC',
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
    document: documents.MeetingFacets,
    filters: filters(year('held'), value('mode'), value('status'), record('participants'), record('agenda')),
  }),
  motions: browsed({
    list: lists.Motions,
    order: 'DATE_DESC',
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
    document: documents.SourceFacets,
    filters: filters(year('published'), record('publisher'), value('reliability')),
  }),
  statements: browsed({
    list: lists.Statements,
    order: 'DATE_DESC',
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
