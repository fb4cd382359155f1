import * as documents from '../api/documents';
import type { Document } from '../api/document';
import type { Page } from '../api/queries';
import { useAsOf } from '../router';
import * as entries from './entries';
import { List } from './list';
import type { ReactNode } from 'react';

/** What a list takes: a title, and which records in which order. */
type Props<Variables> = { title: string; empty?: string; all?: string } & Omit<Variables, 'after' | 'asOf'>;

/** A list of one type's records, as of the moment that the reader looks at. */
function listOf<Data, Variables extends { after?: string | null | undefined }, Node>(
  document: Document<Data, Variables>,
  page: (data: Data) => Page & { nodes: Node[] },
  entry: (node: Node) => ReactNode,
) {
  return function RecordList({ title, empty, all, ...chosen }: Props<Variables>) {
    const variables = { ...chosen, asOf: useAsOf() } as unknown as Variables;
    return <List {...{ title, document, variables, page, entry, empty, all }} />;
  };
}

export const Actors = listOf(documents.ActorPage, (data) => data.actors, entries.actor);
export const Commentaries = listOf(documents.CommentaryPage, (data) => data.commentaries, entries.commentary);
export const Divisions = listOf(documents.DivisionPage, (data) => data.divisions, entries.division);
export const Events = listOf(documents.EventPage, (data) => data.events, entries.event);
export const Meetings = listOf(documents.MeetingPage, (data) => data.meetings, entries.meeting);
export const Motions = listOf(documents.MotionPage, (data) => data.motions, entries.motion);
export const Positions = listOf(documents.PositionPage, (data) => data.positions, entries.position);
export const Relations = listOf(documents.RelationPage, (data) => data.relations, entries.relation);
export const Sources = listOf(documents.SourcePage, (data) => data.sources, entries.source);
export const Statements = listOf(documents.StatementPage, (data) => data.statements, entries.statement);
export const Topics = listOf(documents.TopicPage, (data) => data.topics, entries.topic);
export const Votes = listOf(documents.VotePage, (data) => data.votes, entries.vote);
