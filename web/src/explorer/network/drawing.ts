import type { ActorKind, TieKind } from '../api/documents';
import type { Graph } from './graph';

export type Point = [x: number, y: number];

/** A graph by numbers, as a worker lays it out and draws it: each list has an entry for each actor or each tie. */
export interface Drawing {
  labels: string[];
  shapes: Uint8Array;
  expanded: Uint8Array;
  /** The number that an actor had in the drawing before; −1 if it was not there. */
  before: Int32Array;
  /** Two for each tie. */
  ends: Uint32Array;
  kinds: Uint8Array;
  weights: Float32Array;
  steps: Uint8Array;
}

/** The kinds of ties, by their numbers in a drawing. */
export const KINDS: TieKind[] = ['RELATION', 'CO_PARTICIPATION', 'STATEMENT', 'EVENT'];

/** How ties of each kind are drawn, so that they differ without colours too. */
export const DASHES: Record<TieKind, number[]> = {
  RELATION: [],
  CO_PARTICIPATION: [1, 4],
  STATEMENT: [8, 4],
  EVENT: [8, 3, 2, 3],
};

/** People are round, states square, all others stand on a corner. */
export const [ROUND, SQUARE, CORNERED] = [0, 1, 2];
const shapeOf = (kind: ActorKind) =>
  kind === 'PERSON' ? ROUND : kind === 'COUNTRY' || kind === 'TERRITORY' ? SQUARE : CORNERED;

/** A graph as a drawing; `before` are the numbers of actors in the last one. */
export function drawingOf({ actors, ties }: Graph, expanded: Set<string>, before: Map<string, number>): Drawing {
  const all = [...actors.values()];
  const numbers = new Map(all.map(({ id }, number) => [id, number]));
  const drawn = ties.filter(({ source, target }) => numbers.has(source) && numbers.has(target));
  const ends = new Uint32Array(2 * drawn.length);
  drawn.forEach(({ source, target }, at) => {
    ends[2 * at] = numbers.get(source)!;
    ends[2 * at + 1] = numbers.get(target)!;
  });
  return {
    labels: all.map(({ label }) => label),
    shapes: Uint8Array.from(all, ({ kind }) => shapeOf(kind)),
    expanded: Uint8Array.from(all, ({ slug }) => Number(expanded.has(slug))),
    before: Int32Array.from(all, ({ id }) => before.get(id) ?? -1),
    ends,
    kinds: Uint8Array.from(drawn, ({ kind }) => KINDS.indexOf(kind)),
    weights: Float32Array.from(drawn, ({ weight }) => weight),
    steps: Uint8Array.from(drawn, ({ isStep }) => Number(isStep)),
  };
}
