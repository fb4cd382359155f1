import { CORNERED, DASHES, type Drawing, KINDS, type Point, ROUND, SQUARE } from './drawing';
import type { Places } from './layout';
import type { TieKind } from '../api/documents';

export interface LineStyle {
  color: string;
  opacity: number;
  width: number;
  dashes: number[];
}

/** What a graph is drawn with: a canvas, or the text of an SVG. */
export interface Pen {
  /** Each line is four numbers: where it begins and where it ends. */
  lines: (lines: number[], style: LineStyle) => void;
  shape: (points: Point[], fill: string, stroke: string, width: number) => void;
  circle: (at: Point, radius: number, fill: string, stroke: string, width: number) => void;
  text: (text: string, at: Point, color: string, isBold: boolean) => void;
  widthOf: (text: string) => number;
}

export interface Colors {
  paper: string;
  ink: string;
  accent: string;
  ties: Record<TieKind, string>;
}

/** From the graph to the screen. */
export interface Eye {
  scale: number;
  x: number;
  y: number;
}

export interface Scene {
  drawing: Drawing;
  places: Places;
  eye: Eye;
  room: Point;
  colors: Colors;
  chosen: number | undefined;
  /** While actors move, only they and plain lines are drawn of a large graph. */
  isMoving: boolean;
}

const RADIUS = 7;
const OUTLINE = 1.5;
/** With so many ties, only those of the expanded actors are drawn in full. */
const MANY = 150;

/** Actors and their ties are drawn finer where there are many. */
const finenessOf = ({ labels }: Drawing) => Math.min(1, Math.max(0.4, (150 / labels.length) ** 0.4));

export const radiusOf = (drawing: Drawing) => RADIUS * finenessOf(drawing);

export const seen = ({ eye: { scale, x, y }, places }: Pick<Scene, 'eye' | 'places'>, actor: number): Point => [
  places[2 * actor]! * scale + x,
  places[2 * actor + 1]! * scale + y,
];

/** Draws a graph as the eye sees it: ties, then actors, then as many names as there is room for. */
export function draw(pen: Pen, scene: Scene) {
  const { drawing, colors, chosen, isMoving } = scene;
  const radius = radiusOf(drawing);
  const isSketch = isMoving && drawing.ends.length > 4 * MANY;
  drawTies(pen, scene, radius, isSketch);
  for (let actor = 0; actor < drawing.labels.length; actor++) {
    const isExpanded = drawing.expanded[actor] === 1;
    const [fill, stroke] = isExpanded ? [colors.accent, colors.accent] : [colors.paper, colors.ink];
    const look = {
      radius: actor === chosen ? radius + 3 : radius,
      outline: OUTLINE * finenessOf(drawing),
      fill,
      stroke,
    };
    drawActor(pen, drawing.shapes[actor]!, seen(scene, actor), look);
  }
  if (!isSketch) drawNames(pen, scene, radius);
}

/** Ties that look alike are drawn as one; those of focal actors come above the others. */
function drawTies(pen: Pen, scene: Scene, radius: number, isSketch: boolean) {
  const { drawing, colors } = scene;
  const { ends, kinds, weights, steps, labels } = drawing;
  const count = ends.length / 2;
  const fineness = finenessOf(drawing);
  const isFocal = focalActors(scene);
  // However many ties there are among the others, those of the focal actors stand out.
  const faintness = Math.min(0.25, 80 / count);
  const between = new Map<number, number>();
  const alike = new Map<string, { style: LineStyle; lines: number[] }>();
  const tips: { points: Point[]; color: string }[] = [];
  for (let tie = 0; tie < count; tie++) {
    const [source, target, kind, isStep] = [ends[2 * tie]!, ends[2 * tie + 1]!, KINDS[kinds[tie]!]!, steps[tie] === 1];
    const pair = Math.min(source, target) * labels.length + Math.max(source, target);
    const before = between.get(pair) ?? 0;
    between.set(pair, before + 1);
    const isClear = isStep || isFocal(source) || isFocal(target);
    if (isSketch && !isClear && before > 0) continue;
    const color = isStep ? colors.accent : colors.ties[kind];
    const style = isClear
      ? clear(color, kind, widthOf(weights[tie]!, isStep) * fineness)
      : { color, opacity: faintness, width: 1, dashes: [] };
    const line = beside(seen(scene, source), seen(scene, target), Math.ceil(before / 2) * (before % 2 === 0 ? 6 : -6));
    const key = `${style.opacity} ${style.width} ${color} ${style.dashes.join()}`;
    const group = alike.get(key) ?? { style, lines: [] };
    alike.set(key, group);
    group.lines.push(...line);
    if (isClear && !isSketch && kind !== 'CO_PARTICIPATION')
      tips.push({ points: tipOf(line, radius, style.width), color });
  }
  const groups = [...alike.values()].sort((one, other) => one.style.opacity - other.style.opacity);
  for (const { lines, style } of groups) pen.lines(lines, style);
  for (const { points, color } of tips) pen.shape(points, color, color, 0);
}

const widthOf = (weight: number, isStep: boolean) => (isStep ? 4 : Math.min(1 + Math.log2(weight), 5));

/** A tie that is drawn in full; of widths there are few, so that many ties look alike. */
const clear = (color: string, kind: TieKind, width: number): LineStyle => ({
  color,
  opacity: 1,
  width: Math.round(width * 2) / 2 || 0.5,
  dashes: DASHES[kind],
});

type Line = [fromX: number, fromY: number, toX: number, toY: number];

/** A line so far aside of the straight one, as there may be several between the same two. */
function beside([fromX, fromY]: Point, [toX, toY]: Point, aside: number): Line {
  if (aside === 0) return [fromX, fromY, toX, toY];
  const length = Math.hypot(toX - fromX, toY - fromY) || 1;
  const [x, y] = [(-(toY - fromY) / length) * aside, ((toX - fromX) / length) * aside];
  return [fromX + x, fromY + y, toX + x, toY + y];
}

/** The head of an arrow. */
function tipOf([fromX, fromY, toX, toY]: Line, radius: number, width: number): Point[] {
  const length = Math.hypot(toX - fromX, toY - fromY) || 1;
  const [unitX, unitY] = [(toX - fromX) / length, (toY - fromY) / length];
  const tip: Point = [toX - unitX * (radius + 1), toY - unitY * (radius + 1)];
  const wing = (side: number): Point => [
    tip[0] - unitX * (6 + width) + unitY * side * (2.5 + width / 2),
    tip[1] - unitY * (6 + width) - unitX * side * (2.5 + width / 2),
  ];
  return [tip, wing(1), wing(-1)];
}

/** Whose ties are drawn in full: those of the chosen actor, of the expanded ones if there are many, or all. */
function focalActors({ drawing: { ends, expanded }, chosen }: Scene): (actor: number) => boolean {
  if (chosen !== undefined) return (actor) => actor === chosen;
  if (ends.length < 2 * MANY) return () => true;
  return (actor) => expanded[actor] === 1;
}

interface ActorLook {
  radius: number;
  outline: number;
  fill: string;
  stroke: string;
}

function drawActor(pen: Pen, shape: number, at: Point, { radius, outline, fill, stroke }: ActorLook) {
  if (shape === ROUND) {
    pen.circle(at, radius, fill, stroke, outline);
    return;
  }
  const reach = shape === CORNERED ? radius * 1.3 : radius * 1.25;
  const corners = [0, 1, 2, 3].map((corner): Point => {
    const angle = (corner + (shape === SQUARE ? 0.5 : 0)) * (Math.PI / 2);
    return [at[0] + Math.cos(angle) * reach, at[1] + Math.sin(angle) * reach];
  });
  pen.shape(corners, fill, stroke, outline);
}

const LINE = 16;
const LONGEST_NAME = 32;

/** Names do not cover each other: those of the expanded, then of the most tied, come first. */
function drawNames(pen: Pen, scene: Scene, radius: number) {
  const { drawing, chosen, colors, room } = scene;
  const { labels, expanded, ends, steps } = drawing;
  const rank = Float64Array.from(expanded, (isExpanded, actor) => (actor === chosen ? 1e9 : 0) + isExpanded * 1e6);
  ends.forEach((actor, end) => (rank[actor]! += steps[end >> 1] === 1 ? 1000 : 1));
  const actors = Uint32Array.from(labels.keys()).sort((one, other) => rank[other]! - rank[one]!);
  const taken: [number, number, number][] = [];
  for (const actor of actors) {
    const point = seen(scene, actor);
    if (point[0] < 0 || point[1] < 0 || point[0] > room[0] || point[1] > room[1]) continue;
    const label = labels[actor]!;
    const name = label.length > LONGEST_NAME ? `${label.slice(0, LONGEST_NAME - 1)}…` : label;
    const half = pen.widthOf(name) / 2 + 3;
    // The name of an actor at the edge stays in the picture.
    const x = Math.max(half, Math.min(point[0], room[0] - half));
    const y = point[1] + radius + LINE * 0.9;
    if (taken.some(([otherX, otherY, other]) => Math.abs(otherX - x) < half + other && Math.abs(otherY - y) < LINE))
      continue;
    taken.push([x, y, half]);
    pen.text(name, [x, y], colors.ink, expanded[actor] === 1);
  }
}

/** Who is drawn at a point. */
export function nearest(scene: Scene, [x, y]: Point): number | undefined {
  let [found, least]: [number | undefined, number] = [undefined, radiusOf(scene.drawing) * 2.5];
  for (let actor = 0; actor < scene.drawing.labels.length; actor++) {
    const [atX, atY] = seen(scene, actor);
    const distance = Math.hypot(atX - x, atY - y);
    if (distance < least) [found, least] = [actor, distance];
  }
  return found;
}

/** The ends of a layout: left, right, top and bottom. */
export function endsOf(places: Places): [number, number, number, number] {
  let [left, right, top, bottom] = [Infinity, -Infinity, Infinity, -Infinity];
  for (let at = 0; at < places.length; at += 2) {
    const [x, y] = [places[at]!, places[at + 1]!];
    [left, right, top, bottom] = [Math.min(left, x), Math.max(right, x), Math.min(top, y), Math.max(bottom, y)];
  }
  return places.length > 0 ? [left, right, top, bottom] : [0, 0, 0, 0];
}

const MARGIN = 50;
const NEAREST = 2.5;

/** The eye that sees a whole layout. */
export function whole(places: Places, [width, height]: Point): Eye {
  const [left, right, top, bottom] = endsOf(places);
  const scales = [(width - 2 * MARGIN) / (right - left || 1), (height - 2 * MARGIN) / (bottom - top || 1)];
  const scale = Math.max(Math.min(...scales, NEAREST), 0.001);
  return { scale, x: (width - (left + right) * scale) / 2, y: (height - (top + bottom) * scale) / 2 };
}
