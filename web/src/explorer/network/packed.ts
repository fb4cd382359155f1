import type { NetworkActorFragment, NetworkQuery, TieEvidenceFragment } from '../api/documents';
import { KINDS } from './drawing';

type Network = NetworkQuery['network'];

/**
 * A network in columns: lists of numbers are handed from thread to thread as they are, and texts as one. As thousands of
 * objects it would keep the page busy.
 */
export interface Packed {
  /** The columns of actors: their names for the API, their kinds and their labels. */
  actors: Record<keyof NetworkActorFragment, string>;
  /** Two for each tie: the numbers of its actors. */
  ends: Uint32Array;
  weights: Float64Array;
  /** The numbers of their kinds, of their kinds as relations and of the types of their evidence. */
  kinds: Uint8Array;
  relationKinds: { names: (string | null)[]; numbers: Uint8Array };
  evidenceTypes: { names: string[]; numbers: Uint8Array };
  evidence: Record<'id' | 'slug' | 'label', string>;
}

/** No text of the base has it. */
const BETWEEN = '\0';

/** Packs a network; the heaviest ties come first. */
export function pack({ nodes, edges }: Network): Packed {
  const actors = nodes.map(({ actor }) => actor);
  const ties = edges.toSorted((one, other) => other.weight - one.weight);
  const numbers = new Map(actors.map(({ id }, number) => [id, number]));
  const evidence = ties.map((tie) => tie.evidence);
  return {
    actors: {
      __typename: joined(actors, '__typename'),
      id: joined(actors, 'id'),
      slug: joined(actors, 'slug'),
      label: joined(actors, 'label'),
      kind: joined(actors, 'kind'),
    },
    ends: Uint32Array.from(ties.flatMap(({ source, target }) => [numbers.get(source.id)!, numbers.get(target.id)!])),
    weights: Float64Array.from(ties, ({ weight }) => weight),
    kinds: Uint8Array.from(ties, ({ kind }) => KINDS.indexOf(kind)),
    relationKinds: numbered(ties.map(({ relationKind }) => relationKind)),
    evidenceTypes: numbered(evidence.map(({ __typename }) => __typename)),
    evidence: { id: joined(evidence, 'id'), slug: joined(evidence, 'slug'), label: joined(evidence, 'label') },
  };
}

/** The lists of a packed network that are handed over. */
export const handed = ({ ends, weights, kinds, relationKinds, evidenceTypes }: Packed) =>
  [ends, weights, kinds, relationKinds.numbers, evidenceTypes.numbers].map(({ buffer }) => buffer as ArrayBuffer);

export function unpack(packed: Packed): Network {
  const { ends, weights, kinds, relationKinds, evidenceTypes } = packed;
  const nodes = rowsOf<NetworkActorFragment>(packed.actors).map((actor) => ({ actor }));
  const evidence = rowsOf<TieEvidenceFragment>(packed.evidence);
  const edges = evidence.map((one, tie): Network['edges'][number] => ({
    source: nodes[ends[2 * tie]!]!.actor,
    target: nodes[ends[2 * tie + 1]!]!.actor,
    kind: KINDS[kinds[tie]!]!,
    relationKind: relationKinds.names[relationKinds.numbers[tie]!]! as Network['edges'][number]['relationKind'],
    weight: weights[tie]!,
    evidence: Object.assign(one, { __typename: evidenceTypes.names[evidenceTypes.numbers[tie]!]! }),
  }));
  return { nodes, edges };
}

const joined = <Name extends string>(rows: Record<Name, string>[], name: Name) =>
  rows.map((row) => row[name]).join(BETWEEN);

/** Objects from columns. */
function rowsOf<Row>(columns: Record<string, string>): Row[] {
  const names = Object.keys(columns);
  if (columns['id'] === '') return [];
  const values = names.map((name) => columns[name]!.split(BETWEEN));
  return values[0]!.map((_, at) => {
    const row: Record<string, string> = {};
    names.forEach((name, column) => (row[name] = values[column]![at]!));
    return row as Row;
  });
}

/** Values of which there are few, by number. */
function numbered<Value>(values: Value[]) {
  const names = [...new Set(values)];
  return { names, numbers: Uint8Array.from(values, (value) => names.indexOf(value)) };
}
