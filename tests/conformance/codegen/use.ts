// What a frontend in TypeScript does with the types. Where a use is wrong, `tsc` must say so: it
// refuses an expectation of an error that does not come.
import type { ActorQuery, NodesQueryVariables, StatementQuery } from './operations';
import type { ActorBy, ActorFilter, ActorKind } from './schema';

export function titleOf({ actor }: ActorQuery): string {
  // @ts-expect-error There may be no such actor.
  actor.name;
  // @ts-expect-error The query does not ask for this field.
  actor?.statements;
  const kind: `${ActorKind}` | undefined = actor?.kind;
  return `${actor?.name} (${kind}), ${actor?.commentariesAuthored.totalCount.toFixed()} commentaries`;
}

export function daySaid({ statement }: StatementQuery): string | undefined {
  // @ts-expect-error The day may be unknown.
  const day: string | undefined = statement?.saidOn;
  return statement?.saidOn?.slice(0, 4) ?? day;
}

export const several: NodesQueryVariables = { id: 'a', ids: ['a', 'b'] };
// @ts-expect-error Both variables are required.
export const none: NodesQueryVariables = { id: 'a' };

export const bySlug: ActorBy = { slug: 'israel' };
// @ts-expect-error Exactly one key names a record.
export const byTwo: ActorBy = { slug: 'israel', id: 'a' };

export const named: ActorFilter = { name: { startsWith: 'K' }, not: { slug: { equals: 'kazakhstan' } } };
// @ts-expect-error There is no such filter.
export const nothing: ActorFilter = { nothing: true };
