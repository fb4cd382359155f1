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

/** The networks around several actors, and paths, as one graph; ties lighter than `least` are left out. */
export function merge(networks: NetworkQuery['network'][], paths: Path[], least: number, expanded: Set<string>): Graph {
  const steps = paths.flatMap((path) => path.steps);
  const stepKeys = new Set(steps.map(({ from, to, kind }) => keyOf(from.id, to.id, kind)));
  const ties = new Map<string, Tie>();
  for (const { source, target, ...tie } of networks.flatMap(({ edges }) => edges)) {
    const isStep = stepKeys.has(keyOf(source.id, target.id, tie.kind));
    if (tie.weight < least && !isStep) continue;
    const key = `${keyOf(source.id, target.id, tie.kind, true)} ${tie.relationKind}`;
    ties.set(key, { ...tie, source: source.id, target: target.id, isStep });
  }
  const known = new Set([...ties.values()].map(({ source, target, kind }) => keyOf(source, target, kind)));
  for (const { from, to, kind, evidence } of steps) {
    const key = keyOf(from.id, to.id, kind);
    if (known.has(key)) continue;
    ties.set(key, { source: from.id, target: to.id, kind, relationKind: null, weight: 1, evidence, isStep: true });
  }

  const shown = new Set([...ties.values()].flatMap(({ source, target }) => [source, target]));
  const all = [...networks.flatMap(({ nodes }) => nodes.map(({ actor }) => actor)), ...steps.flatMap(({ from, to }) => [from, to])];
  const actors = new Map(all.filter(({ id, slug }) => shown.has(id) || expanded.has(slug)).map((actor) => [actor.id, actor]));
  return { actors, ties: [...ties.values()].sort((one, other) => other.weight - one.weight) };
}

/** Names a tie between two actors, in either direction unless `isDirected`. */
function keyOf(one: string, other: string, kind: TieKind, isDirected = false): string {
  const ends = isDirected || one < other ? [one, other] : [other, one];
  return [...ends, kind].join(' ');
}
