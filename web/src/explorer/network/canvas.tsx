import { type KeyboardEvent, type PointerEvent, useCallback, useEffect, useLayoutEffect, useRef, useState } from 'react';
import { type Eye, type Look, draw, radiusOf, seen } from './draw';
import type { Graph } from './graph';
import type { Layout, Point } from './layout';
import { canvasPen } from './pens';

interface Props {
  graph: Graph;
  layout: Layout;
  isSettled: boolean;
  look: Look;
  family: string;
  label: string;
  describedBy: string;
  onChoose: (id: string | undefined) => void;
}

/** The size of text on a screen of usual width; on wider ones all is drawn larger. */
const PLAIN = 16;
const STEP = 40;
const CLOSER = 1.25;

/** A graph that can be moved and looked at from nearer, by pointer or by keyboard. */
export function Canvas({ graph, layout, isSettled, look, family, label, describedBy, onChoose }: Props) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const unit = parseFloat(getComputedStyle(document.documentElement).fontSize) / PLAIN;
  const [wide, high] = useSize(canvas);
  const size: Point = [wide / unit, high / unit];
  // Until the reader moves it, all of the graph is in sight.
  const [moved, move] = useState<Eye>();
  useEffect(() => move(undefined), [graph.actors.size]);
  const eye = moved ?? fit(layout, size);

  useLayoutEffect(() => {
    const [width, height] = size;
    const context = canvas.current!.getContext('2d')!;
    [canvas.current!.width, canvas.current!.height] = [width, height].map((side) => side * devicePixelRatio * unit) as Point;
    context.scale(devicePixelRatio * unit, devicePixelRatio * unit);
    draw(canvasPen(context, family, look.colors.paper), graph, layout, eye, look, size);
  });

  const zoom = useCallback(
    (factor: number, [x, y]: Point) =>
      move({ scale: eye.scale * factor, x: x - (x - eye.x) * factor, y: y - (y - eye.y) * factor }),
    [eye.scale, eye.x, eye.y],
  );
  useEffect(() => {
    const element = canvas.current!;
    // A wheel scrolls the page, unless the reader is in the picture.
    const turn = (event: WheelEvent) => {
      if (!event.ctrlKey && document.activeElement !== element) return;
      event.preventDefault();
      zoom(CLOSER ** (-event.deltaY / 100), [event.offsetX / unit, event.offsetY / unit]);
    };
    element.addEventListener('wheel', turn, { passive: false });
    return () => element.removeEventListener('wheel', turn);
  }, [zoom, unit]);

  const held = useRef<{ from: Point; eye: Eye }>(null);
  const grab = (event: PointerEvent<HTMLCanvasElement>) => {
    event.currentTarget.setPointerCapture(event.pointerId);
    held.current = { from: [event.clientX, event.clientY], eye };
  };
  const drag = ({ clientX, clientY }: PointerEvent) => {
    if (!held.current) return;
    const { from, eye } = held.current;
    const [x, y] = [clientX - from[0], clientY - from[1]];
    if (Math.hypot(x, y) > 3) move({ ...eye, x: eye.x + x / unit, y: eye.y + y / unit });
  };
  const drop = ({ clientX, clientY, nativeEvent }: PointerEvent) => {
    const from = held.current?.from;
    held.current = null;
    if (!from || Math.hypot(clientX - from[0], clientY - from[1]) > 3) return;
    onChoose(nearest(graph, layout, eye, [nativeEvent.offsetX / unit, nativeEvent.offsetY / unit]));
  };
  const press = (event: KeyboardEvent) => {
    const middle: Point = [size[0] / 2, size[1] / 2];
    const by = (x: number, y: number) => () => move({ ...eye, x: eye.x + x, y: eye.y + y });
    const actions: Record<string, () => void> = {
      ArrowLeft: by(STEP, 0),
      ArrowRight: by(-STEP, 0),
      ArrowUp: by(0, STEP),
      ArrowDown: by(0, -STEP),
      '+': () => zoom(CLOSER, middle),
      '-': () => zoom(1 / CLOSER, middle),
      0: () => move(undefined),
      Escape: () => onChoose(undefined),
    };
    const action = actions[event.key];
    if (!action) return;
    event.preventDefault();
    action();
  };
  return (
    <canvas
      ref={canvas}
      className="network-canvas"
      role="img"
      aria-label={label}
      aria-describedby={describedBy}
      aria-busy={!isSettled}
      tabIndex={0}
      onPointerDown={grab}
      onPointerMove={drag}
      onPointerUp={drop}
      onKeyDown={press}
    />
  );
}

/** The size of an element, as it changes. */
function useSize(element: React.RefObject<HTMLElement | null>): Point {
  const [size, set] = useState<Point>([0, 0]);
  useLayoutEffect(() => {
    const observer = new ResizeObserver(([entry]) => set([entry!.contentRect.width, entry!.contentRect.height]));
    observer.observe(element.current!);
    return () => observer.disconnect();
  }, [element]);
  return size;
}

const MARGIN = 50;

/** The eye that sees a whole layout. */
function fit(layout: Layout, [width, height]: Point): Eye {
  if (layout.size === 0) return { scale: 1, x: width / 2, y: height / 2 };
  let [left, right, top, bottom] = [Infinity, -Infinity, Infinity, -Infinity];
  for (const [x, y] of layout.values()) {
    [left, right, top, bottom] = [Math.min(left, x), Math.max(right, x), Math.min(top, y), Math.max(bottom, y)];
  }
  const scales = [(width - 2 * MARGIN) / (right - left || 1), (height - 2 * MARGIN) / (bottom - top || 1)];
  const scale = Math.min(...scales, 2.5);
  return { scale, x: (width - (left + right) * scale) / 2, y: (height - (top + bottom) * scale) / 2 };
}

/** Who is drawn at a point. */
function nearest(graph: Graph, layout: Layout, eye: Eye, [x, y]: Point): string | undefined {
  const reach = radiusOf(graph) * 2.5;
  let found: { id: string; distance: number } | undefined;
  for (const id of graph.actors.keys()) {
    const point = layout.get(id);
    if (!point) continue;
    const [atX, atY] = seen(eye, point);
    const distance = Math.hypot(atX - x, atY - y);
    if (distance < reach && distance < (found?.distance ?? Infinity)) found = { id, distance };
  }
  return found?.id;
}
