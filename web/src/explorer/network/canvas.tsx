import {
  type KeyboardEvent,
  type PointerEvent,
  type RefObject,
  useEffect,
  useLayoutEffect,
  useRef,
  useState,
} from 'react';
import type { Point } from './drawing';
import type { Graph } from './graph';
import { isStill } from './look';
import type { Colors } from './draw';
import { leave, stageOf } from './stage';

interface Props {
  canvas: RefObject<HTMLCanvasElement | null>;
  graph: Graph;
  expanded: Set<string>;
  chosen: string | undefined;
  colors: Colors;
  family: string;
  label: string;
  describedBy: string;
  onChoose: (id: string | undefined) => void;
}

/** The size of text on a screen of usual width; on wider ones all is drawn larger. */
const PLAIN = 16;
const STEP = 40;
const CLOSER = 1.25;
/** A pointer that moved less than this was meant to stay. */
const STEADY = 3;

/** A graph that can be moved and looked at from nearer, by pointer or by keyboard. */
export function Canvas({ canvas, graph, expanded, chosen, colors, family, label, describedBy, onChoose }: Props) {
  const unit = parseFloat(getComputedStyle(document.documentElement).fontSize) / PLAIN;
  const [isSettled, settle] = useState(false);
  const stage = () => stageOf(canvas.current!);
  useLayoutEffect(() => {
    const element = canvas.current!;
    stageOf(element).onSettled = () => settle(true);
    const observer = new ResizeObserver(([entry]) => {
      const { width, height } = entry!.contentRect;
      stageOf(element).tell({ size: { room: [width / unit, height / unit], density: devicePixelRatio * unit } });
    });
    observer.observe(element);
    return () => {
      observer.disconnect();
      leave(element);
    };
  }, [canvas, unit]);
  useEffect(() => {
    stage().dress({ colors, family, chosen, isStill: isStill.matches });
  }, [colors, family, chosen]);
  useEffect(() => {
    settle(false);
    stage().show(graph, expanded);
  }, [graph, expanded]);

  useEffect(() => {
    const element = canvas.current!;
    // A wheel scrolls the page, unless the reader is in the picture.
    const turn = (event: WheelEvent) => {
      if (!event.ctrlKey && document.activeElement !== element) return;
      event.preventDefault();
      const at: Point = [event.offsetX / unit, event.offsetY / unit];
      stageOf(element).tell({ zoom: { factor: CLOSER ** (-event.deltaY / 100), at } });
    };
    element.addEventListener('wheel', turn, { passive: false });
    return () => element.removeEventListener('wheel', turn);
  }, [canvas, unit]);

  const held = useRef<{ at: Point; isMoved: boolean }>(null);
  const grab = (event: PointerEvent<HTMLCanvasElement>) => {
    event.currentTarget.setPointerCapture(event.pointerId);
    held.current = { at: [event.clientX, event.clientY], isMoved: false };
  };
  const drag = ({ clientX, clientY }: PointerEvent) => {
    if (!held.current) return;
    const { at, isMoved } = held.current;
    const by: Point = [clientX - at[0], clientY - at[1]];
    if (!isMoved && Math.hypot(...by) <= STEADY) return;
    held.current = { at: [clientX, clientY], isMoved: true };
    stage().tell({ by: [by[0] / unit, by[1] / unit] });
  };
  const drop = ({ nativeEvent }: PointerEvent) => {
    const isClick = held.current?.isMoved === false;
    held.current = null;
    if (isClick) stage().find([nativeEvent.offsetX / unit, nativeEvent.offsetY / unit], onChoose);
  };
  const press = (event: KeyboardEvent) => {
    const by = (x: number, y: number) => () => stage().tell({ by: [x, y] });
    const actions: Record<string, () => void> = {
      ArrowLeft: by(STEP, 0),
      ArrowRight: by(-STEP, 0),
      ArrowUp: by(0, STEP),
      ArrowDown: by(0, -STEP),
      '+': () => stage().tell({ zoom: { factor: CLOSER } }),
      '-': () => stage().tell({ zoom: { factor: 1 / CLOSER } }),
      0: () => stage().tell({ isWhole: true }),
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
      onPointerCancel={() => (held.current = null)}
      onKeyDown={press}
    />
  );
}
