import type { NetworkActorFragment, NetworkQuery, PathsQuery, TieEvidenceFragment, TieKind } from '../api/documents';

export interface Tie {
  source: string;
  target: string;
  kind: TieKind;
  relationKind: string | null;
  weight: number;
  evidence: TieEvidenceFragment;
  /** Whether it is a step of a path that was asked for. */
  isStep: boolean;
}

/** Actors and the ties among them. */
export interface Graph {
  actors: Map<string, NetworkActorFragment>;
  ties: Tie[];
}

export type Path = PathsQuery['path'][number];

type Network = NetworkQuery['network'];

/** A network, whose heaviest ties come first, and paths as one graph; ties lighter than `least` are left out. */
export function merge(
  { nodes, edges }: Network = { nodes: [], edges: [] },
  paths: Path[] = [],
  least: number,
  expanded: Set<string>,
): Graph {
  const steps = new Map(
    paths.flatMap((path) => path.steps).map((step) => [keyOf(step.from.id, step.to.id, step.kind), step]),
  );
  const missing = new Map(steps);
  const ties: Tie[] = [];
  for (const { source, target, kind, relationKind, weight, evidence } of edges) {
    const key = steps.size > 0 ? keyOf(source.id, target.id, kind) : '';
    const isStep = steps.has(key);
    missing.delete(key);
    if (weight < least && !isStep) continue;
    ties.push({ source: source.id, target: target.id, kind, relationKind, weight, evidence, isStep });
  }
  for (const { from, to, kind, evidence } of missing.values()) {
    ties.push({ source: from.id, target: to.id, kind, relationKind: null, weight: 1, evidence, isStep: true });
  }

  const tied = new Set<string>();
  for (const { source, target } of ties) tied.add(source).add(target);
  const actors: Graph['actors'] = new Map();
  const add = (actor: NetworkActorFragment) => {
    if (tied.has(actor.id) || expanded.has(actor.slug)) actors.set(actor.id, actor);
  };
  for (const { actor } of nodes) add(actor);
  for (const { from, to } of steps.values()) [from, to].forEach(add);
  return { actors, ties };
}

/** Names the ties of a kind between two actors, in either direction. */
const keyOf = (one: string, other: string, kind: TieKind) => [...[one, other].sort(), kind].join(' ');
