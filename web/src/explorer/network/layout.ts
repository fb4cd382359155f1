import { type SimulationNodeDatum, forceLink, forceManyBody, forceSimulation, forceX, forceY } from 'd3-force';
import type { Drawing } from './drawing';

/** Where actors are drawn: two numbers for each. */
export type Places = Float32Array;

/** The distinct pairs of tied actors, as one number for each, in order. */
export function pairsOf({ labels, ends }: Drawing): number[] {
  const pairs = new Set<number>();
  for (let at = 0; at < ends.length; at += 2) {
    const [one, other] = [ends[at]!, ends[at + 1]!];
    if (one !== other) pairs.add(Math.min(one, other) * labels.length + Math.max(one, other));
  }
  return [...pairs].sort((one, other) => one - other);
}

/** Where the actors of the last drawing stand in another one; new ones are near those that they are tied to. */
export function carriedOver({ before, ends }: Drawing, last: Places): Places {
  const places = new Float32Array(2 * before.length).fill(NaN);
  before.forEach((number, at) => {
    if (number >= 0) places.set(last.subarray(2 * number, 2 * number + 2), 2 * at);
  });
  for (let at = 0; at < ends.length; at += 2) {
    for (const [known, one] of [
      [ends[at]!, ends[at + 1]!],
      [ends[at + 1]!, ends[at]!],
    ] as const) {
      if (!Number.isNaN(places[2 * one]!) || before[known]! < 0) continue;
      // Around it like the seeds of a sunflower, so that no two are in the same place.
      const [angle, distance] = [one * 2.4, 40 + (one % 40)];
      places[2 * one] = places[2 * known]! + distance * Math.cos(angle);
      places[2 * one + 1] = places[2 * known + 1]! + distance * Math.sin(angle);
    }
  }
  return places;
}

/** Few actors find their best places; of many, so many steps are taken as there is time for. */
const stepsFor = (actors: number) => Math.round(Math.max(70, 200 - actors / 15));

/** Finds places step by step, and puts them into `places`, where NaN means none yet. */
export function* layOut(places: Places, pairs: number[]) {
  const count = places.length / 2;
  const nodes: SimulationNodeDatum[] = Array.from({ length: count }, (_, at) => {
    const [x, y] = [places[2 * at]!, places[2 * at + 1]!];
    return Number.isNaN(x) ? {} : { x, y };
  });
  const links = pairs.map((pair) => ({ source: Math.floor(pair / count), target: pair % count }));
  const simulation = forceSimulation(nodes)
    .force(
      'apart',
      forceManyBody()
        .strength(-420)
        .distanceMax(1200)
        .theta(count > 300 ? 1.2 : 0.9),
    )
    .force('together', forceLink(links).distance(90))
    .force('x', forceX().strength(0.04))
    .force('y', forceY().strength(0.06))
    .alphaDecay(1 - 0.001 ** (1 / stepsFor(count)))
    .stop();
  while (simulation.alpha() > simulation.alphaMin()) {
    simulation.tick();
    nodes.forEach(({ x = 0, y = 0 }, at) => places.set([x, y], 2 * at));
    yield;
  }
}
