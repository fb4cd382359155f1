import type { Drawing } from './drawing';
import { Repulsion } from './repulsion';

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

/** How far tied actors want to be from each other. */
const DISTANCE = 90;
/** How strongly actors are drawn to the middle: a picture is wider than high. */
const [ACROSS, DOWN] = [0.04, 0.06];
/** What is left of a movement after a step. */
const GLIDE = 0.6;
/** The layout has cooled down when its warmth is less than this. */
const COLD = 0.001;
/** It is at rest when actors move less than this at a step, on average. */
const REST = 0.5;

/** Puts actors without a place around the middle like the seeds of a sunflower, so that no two are in the same place. */
function sow(places: Places) {
  for (let at = 0; at < places.length / 2; at++) {
    if (!Number.isNaN(places[2 * at]!)) continue;
    const [distance, angle] = [10 * Math.sqrt(0.5 + at), at * Math.PI * (3 - Math.sqrt(5))];
    places[2 * at] = distance * Math.cos(angle);
    places[2 * at + 1] = distance * Math.sin(angle);
  }
}

/** Ties as springs: the less tied of two actors follows the other. */
function springsOf(pairs: number[], count: number) {
  const ends = Uint32Array.from(pairs.flatMap((pair) => [Math.floor(pair / count), pair % count]));
  const ties = new Uint32Array(count);
  for (const end of ends) ties[end]! += 1;
  const strengths = Float32Array.from(pairs, (_, at) => 1 / Math.min(ties[ends[2 * at]!]!, ties[ends[2 * at + 1]!]!));
  const shares = Float32Array.from(pairs, (_, at) => {
    const [one, other] = [ties[ends[2 * at]!]!, ties[ends[2 * at + 1]!]!];
    return one / (one + other);
  });
  return { ends, strengths, shares };
}

/** Finds places step by step, and puts them into `places`, where NaN means none yet. */
export function* layOut(places: Places, pairs: number[]) {
  const count = places.length / 2;
  sow(places);
  const { ends, strengths, shares } = springsOf(pairs, count);
  const speeds = new Float32Array(2 * count);
  const repulsion = new Repulsion(count);
  const decay = COLD ** (1 / stepsFor(count));
  for (let warmth = decay; warmth > COLD; warmth *= decay) {
    for (let tie = 0; tie < strengths.length; tie++) {
      const [one, other] = [2 * ends[2 * tie]!, 2 * ends[2 * tie + 1]!];
      const x = places[other]! + speeds[other]! - places[one]! - speeds[one]! || 1e-6;
      const y = places[other + 1]! + speeds[other + 1]! - places[one + 1]! - speeds[one + 1]! || 1e-6;
      const length = Math.sqrt(x * x + y * y);
      const pull = ((length - DISTANCE) / length) * warmth * strengths[tie]!;
      const share = shares[tie]!;
      speeds[other]! -= x * pull * share;
      speeds[other + 1]! -= y * pull * share;
      speeds[one]! += x * pull * (1 - share);
      speeds[one + 1]! += y * pull * (1 - share);
    }
    repulsion.push(places, speeds, warmth);
    let moved = 0;
    for (let at = 0; at < 2 * count; at += 2) {
      speeds[at] = (speeds[at]! - places[at]! * ACROSS * warmth) * GLIDE;
      speeds[at + 1] = (speeds[at + 1]! - places[at + 1]! * DOWN * warmth) * GLIDE;
      places[at]! += speeds[at]!;
      places[at + 1]! += speeds[at + 1]!;
      moved += Math.abs(speeds[at]!) + Math.abs(speeds[at + 1]!);
    }
    yield;
    if (moved < REST * count) return;
  }
}
