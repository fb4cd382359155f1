import { type SimulationNodeDatum, forceLink, forceManyBody, forceSimulation, forceX, forceY } from 'd3-force';

/** A graph to lay out: where its nodes are, NaN if nowhere yet, and which pairs of them are tied. */
export interface Task {
  positions: Float32Array;
  pairs: [source: number, target: number][];
  /** Counts up: places of an older task are of no use. */
  number: number;
}

export interface Places {
  number: number;
  positions: Float32Array;
  isSettled: boolean;
}

/** So often places are told while they move. */
const TOLD_EVERY = 60;

let latest = 0;

onmessage = async ({ data: { positions, pairs, number } }: MessageEvent<Task>) => {
  latest = number;
  const nodes: SimulationNodeDatum[] = Array.from({ length: positions.length / 2 }, (_, at) => {
    const [x, y] = [positions[2 * at]!, positions[2 * at + 1]!];
    return Number.isNaN(x) ? {} : { x, y };
  });
  const links = pairs.map(([source, target]) => ({ source, target }));
  const simulation = forceSimulation(nodes)
    .force('apart', forceManyBody().strength(-420).distanceMax(1200))
    .force('together', forceLink(links).distance(90))
    .force('x', forceX().strength(0.04))
    .force('y', forceY().strength(0.06))
    .alphaDecay(0.035)
    .stop();
  const tell = (isSettled: boolean) => {
    const places = new Float32Array(nodes.flatMap(({ x = 0, y = 0 }) => [x, y]));
    postMessage({ number, positions: places, isSettled } satisfies Places, { transfer: [places.buffer] });
  };
  let told = performance.now();
  while (simulation.alpha() > simulation.alphaMin()) {
    simulation.tick();
    if (performance.now() - told < TOLD_EVERY) continue;
    tell(false);
    told = performance.now();
    // Lets a newer task in.
    await new Promise((resume) => setTimeout(resume));
    if (number !== latest) return;
  }
  tell(true);
};
