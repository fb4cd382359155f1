import type { ActorKind, TieKind } from '../api/documents';
import type { Graph, Tie } from './graph';
import type { Layout, Point } from './layout';

export type Line = [from: Point, to: Point];

export interface LineStyle {
  color: string;
  opacity: number;
  width: number;
  dashes: number[];
}

/** What a graph is drawn with: a canvas, or the text of an SVG. */
export interface Pen {
  lines: (lines: Line[], style: LineStyle) => void;
  shape: (points: Point[], fill: string, stroke: string, width: number) => void;
  circle: (at: Point, radius: number, fill: string, stroke: string, width: number) => void;
  text: (text: string, at: Point, color: string, isBold: boolean) => void;
  widthOf: (text: string) => number;
}

export interface Look {
  colors: { paper: string; ink: string; accent: string; ties: Record<TieKind, string> };
  expanded: Set<string>;
  chosen: string | undefined;
}

/** From the graph to the screen. */
export interface Eye {
  scale: number;
  x: number;
  y: number;
}

export const seen = ({ scale, x, y }: Eye, [atX, atY]: Point): Point => [atX * scale + x, atY * scale + y];

/** How ties of each kind are drawn, so that they differ without colours too. */
export const DASHES: Record<TieKind, number[]> = { RELATION: [], CO_PARTICIPATION: [1, 4], STATEMENT: [8, 4], EVENT: [8, 3, 2, 3] };
const RADIUS = 7;

/** Actors are drawn smaller where there are many. */
export const radiusOf = ({ actors }: Graph) => RADIUS * Math.min(1, Math.max(0.4, (150 / actors.size) ** 0.4));

/** Draws a graph as the eye sees it: ties, then actors, then as many names as there is room for. */
export function draw(pen: Pen, graph: Graph, layout: Layout, eye: Eye, look: Look, room: Point) {
  const at = (id: string) => {
    const point = layout.get(id);
    return point && seen(eye, point);
  };
  const radius = radiusOf(graph);
  drawTies(pen, graph, at, radius, look);
  for (const [id, { kind, slug }] of graph.actors) {
    const point = at(id);
    if (!point) continue;
    const isExpanded = look.expanded.has(slug);
    const fill = isExpanded ? look.colors.accent : look.colors.paper;
    drawActor(pen, kind, point, id === look.chosen ? radius + 3 : radius, fill, isExpanded ? look.colors.accent : look.colors.ink);
  }
  drawNames(pen, graph, at, radius, look, room);
}

type At = (id: string) => Point | undefined;

/** Ties that look alike are drawn as one; those of focal actors come above the others. */
function drawTies(pen: Pen, graph: Graph, at: At, radius: number, look: Look) {
  const focal = focalActors(graph, look);
  // However many ties there are among the others, those of the focal actors stand out.
  const faintness = Math.min(0.25, 80 / graph.ties.length);
  const between = new Map<string, number>();
  const alike = new Map<string, { style: LineStyle; lines: Line[] }>();
  const tips: { points: Point[]; color: string }[] = [];
  for (const tie of graph.ties) {
    const [from, to] = [at(tie.source), at(tie.target)];
    if (!from || !to) continue;
    const pair = tie.source < tie.target ? tie.source + tie.target : tie.target + tie.source;
    const before = between.get(pair) ?? 0;
    between.set(pair, before + 1);
    const isFocal = tie.isStep || !focal || focal.has(tie.source) || focal.has(tie.target);
    const style = styleOf(tie, look, isFocal ? 1 : faintness);
    const line = beside(from, to, Math.ceil(before / 2) * (before % 2 === 0 ? 6 : -6));
    const key = `${style.opacity} ${style.width} ${style.color}`;
    const group = alike.get(key);
    if (group) group.lines.push(line);
    else alike.set(key, { style, lines: [line] });
    if (isFocal && tie.kind !== 'CO_PARTICIPATION') tips.push({ points: tipOf(line, radius, style.width), color: style.color });
  }
  const groups = [...alike.values()].sort((one, other) => one.style.opacity - other.style.opacity);
  for (const { lines, style } of groups) pen.lines(lines, style);
  for (const { points, color } of tips) pen.shape(points, color, color, 0);
}

function styleOf({ kind, weight, isStep }: Tie, { colors }: Look, opacity: number): LineStyle {
  const color = isStep ? colors.accent : colors.ties[kind];
  if (opacity < 1) return { color, opacity, width: 1, dashes: [] };
  const width = isStep ? 4 : Math.min(1 + Math.log2(weight), 5);
  return { color, opacity, width: Math.round(width * 2) / 2, dashes: DASHES[kind] };
}

/** A line so far aside of the straight one, as there may be several between the same two. */
function beside(from: Point, to: Point, aside: number): Line {
  const [x, y] = [to[0] - from[0], to[1] - from[1]];
  const length = Math.hypot(x, y) || 1;
  const moved = ([atX, atY]: Point): Point => [atX - (y / length) * aside, atY + (x / length) * aside];
  return [moved(from), moved(to)];
}

/** The head of an arrow. */
function tipOf([from, to]: Line, radius: number, width: number): Point[] {
  const [x, y] = [to[0] - from[0], to[1] - from[1]];
  const length = Math.hypot(x, y) || 1;
  const [unitX, unitY] = [x / length, y / length];
  const tip: Point = [to[0] - unitX * (radius + 1), to[1] - unitY * (radius + 1)];
  const wing = (side: number): Point => [
    tip[0] - unitX * (6 + width) + unitY * side * (2.5 + width / 2),
    tip[1] - unitY * (6 + width) - unitX * side * (2.5 + width / 2),
  ];
  return [tip, wing(1), wing(-1)];
}

/** With so many ties, only those of the expanded actors are drawn in full. */
const MANY = 150;

/** Whose ties are drawn in full: those of the chosen actor, of the expanded ones if there are many, or all. */
function focalActors({ actors, ties }: Graph, { chosen, expanded }: Look): Set<string> | undefined {
  if (chosen !== undefined) return new Set([chosen]);
  if (ties.length < MANY) return undefined;
  return new Set([...actors.values()].filter(({ slug }) => expanded.has(slug)).map(({ id }) => id));
}

/** People are round, states square, all others stand on a corner. */
function drawActor(pen: Pen, kind: ActorKind, at: Point, radius: number, fill: string, stroke: string) {
  if (kind === 'PERSON') return pen.circle(at, radius, fill, stroke, 1.5);
  const isSquare = kind === 'COUNTRY' || kind === 'TERRITORY';
  const corners = [0, 1, 2, 3].map((corner): Point => {
    const angle = (corner + (isSquare ? 0.5 : 0)) * (Math.PI / 2);
    const reach = isSquare ? radius * 1.25 : radius * 1.3;
    return [at[0] + Math.cos(angle) * reach, at[1] + Math.sin(angle) * reach];
  });
  return pen.shape(corners, fill, stroke, 1.5);
}

const LINE = 16;
const LONGEST_NAME = 32;

/** Names do not cover each other: those of the expanded, then of the most tied, come first. */
function drawNames(pen: Pen, graph: Graph, at: At, radius: number, look: Look, [width, height]: Point) {
  const ties = new Map<string, number>();
  for (const { source, target, isStep } of graph.ties) {
    for (const id of [source, target]) ties.set(id, (ties.get(id) ?? 0) + (isStep ? 1000 : 1));
  }
  const rank = (id: string, slug: string) =>
    (id === look.chosen ? 1e9 : 0) + (look.expanded.has(slug) ? 1e6 : 0) + (ties.get(id) ?? 0);
  const actors = [...graph.actors.values()].sort((one, other) => rank(other.id, other.slug) - rank(one.id, one.slug));
  const taken: [number, number, number][] = [];
  for (const { id, slug, label } of actors) {
    const point = at(id);
    if (!point || point[0] < 0 || point[1] < 0 || point[0] > width || point[1] > height) continue;
    const name = label.length > LONGEST_NAME ? `${label.slice(0, LONGEST_NAME - 1)}…` : label;
    const half = pen.widthOf(name) / 2 + 3;
    const [x, y] = [point[0], point[1] + radius + LINE * 0.9];
    if (taken.some(([otherX, otherY, other]) => Math.abs(otherX - x) < half + other && Math.abs(otherY - y) < LINE)) continue;
    taken.push([x, y, half]);
    pen.text(name, [x, y], look.colors.ink, look.expanded.has(slug));
  }
}
