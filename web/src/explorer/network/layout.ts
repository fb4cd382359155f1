import { useEffect, useMemo, useRef, useState } from 'react';
import type { Graph } from './graph';
import type { Places, Task } from './layout.worker';

export type Point = [x: number, y: number];
export type Layout = Map<string, Point>;

const isStill = matchMedia('(prefers-reduced-motion: reduce)');

/** Where each actor is drawn. A worker computes it; those who were there already stay about where they are. */
export function useLayout(graph: Graph): { layout: Layout; isSettled: boolean } {
  const [state, set] = useState<{ layout: Layout; isSettled: boolean }>({ layout: new Map(), isSettled: false });
  const last = useRef<Layout>(new Map());
  const worker = useRef<Worker>(null);
  const count = useRef(0);
  useEffect(() => {
    worker.current = new Worker(new URL('./layout.worker.ts', import.meta.url), { type: 'module' });
    return () => worker.current?.terminate();
  }, []);
  // The same actors and ties need no other layout.
  const shape = useMemo(() => shapeOf(graph), [graph]);
  useEffect(() => {
    const { ids, pairs } = JSON.parse(shape) as Shape;
    const number = ++count.current;
    if (ids.length === 0) return;
    worker.current!.onmessage = ({ data }: MessageEvent<Places>) => {
      if (data.number !== count.current || (isStill.matches && !data.isSettled)) return;
      last.current = new Map(ids.map((id, at) => [id, [data.positions[2 * at]!, data.positions[2 * at + 1]!]]));
      set({ layout: last.current, isSettled: data.isSettled });
    };
    const positions = new Float32Array(ids.flatMap((id) => last.current.get(id) ?? [NaN, NaN]));
    worker.current!.postMessage({ positions, pairs, number } satisfies Task);
  }, [shape]);
  return state;
}

interface Shape {
  ids: string[];
  pairs: [source: number, target: number][];
}

/** Who is tied to whom, each pair once, as text to compare. */
function shapeOf({ actors, ties }: Graph): string {
  const ids = [...actors.keys()];
  const places = new Map(ids.map((id, at) => [id, at]));
  const pairs = new Map<string, [number, number]>();
  for (const { source, target } of ties) {
    const pair: [number, number] = [places.get(source)!, places.get(target)!];
    pairs.set(pair.sort((one, other) => one - other).join(), pair);
  }
  return JSON.stringify({ ids, pairs: [...pairs.values()] } satisfies Shape);
}
