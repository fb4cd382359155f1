// Lays a graph out and draws it, so that the page itself stays free for the reader.
import { type Colors, type Eye, type Scene, draw, nearest, whole } from './draw';
import type { Drawing, Point } from './drawing';
import { type Places, carriedOver, layOut, pairsOf } from './layout';
import { canvasPen, forgetWidths } from './pens';
import { png, svg } from './save';

/** A font of the page, which a worker has to load itself. */
export interface Face {
  family: string;
  source: string;
  descriptors: FontFaceDescriptors;
}

/** What the page tells: one or several of these. */
export interface Task {
  canvas?: OffscreenCanvas;
  faces?: Face[];
  drawing?: Drawing;
  look?: { colors: Colors; family: string; chosen: number | undefined; isStill: boolean };
  /** The room for the picture, and how many pixels of the screen each of its units has. */
  size?: { room: Point; density: number };
  /** Moves the picture. */
  by?: Point;
  /** Makes it larger or smaller; `at` stays where it is, or the middle. */
  zoom?: { factor: number; at?: Point };
  /** Shows all of it again. */
  isWhole?: boolean;
  /** Asks who is at a point. */
  at?: Point;
  save?: 'SVG' | 'PNG' | 'places';
}

/** What the worker tells. */
export interface News {
  /** The last drawing has come to rest. */
  isSettled?: boolean;
  found?: { actor: number | undefined };
  saved?: Blob | Places;
}

/** So long the layout is computed before other tasks get a turn. */
const TURN = 25;
/** Of the time that a layout takes, so much at most goes into showing it. */
const SHOWN = 0.15;
/** What a picture is expected to take before one was painted. */
const FIRST = 40;

let canvas: OffscreenCanvas;
let look: NonNullable<Task['look']>;
let size: NonNullable<Task['size']> = { room: [0, 0], density: 1 };
let drawing: Drawing | undefined;
let places: Places = new Float32Array();
let pairs: number[] = [];
/** How the reader moved it; until then all of it is in sight. */
let moved: Eye | undefined;
let isMoving = false;
/** Counts layouts: one that another has replaced is given up. */
let layouts = 0;

const tell = (news: News) => postMessage(news);

const sceneOf = (drawing: Drawing): Scene => ({
  drawing,
  places,
  eye: moved ?? whole(places, size.room),
  room: size.room,
  colors: look.colors,
  chosen: look.chosen,
  isMoving,
});

function paint() {
  const [width, height] = size.room.map((side) => Math.round(side * size.density)) as Point;
  if (!drawing || width === 0 || height === 0) return;
  if (canvas.width !== width) canvas.width = width;
  if (canvas.height !== height) canvas.height = height;
  const context = canvas.getContext('2d')!;
  context.setTransform(size.density, 0, 0, size.density, 0, 0);
  context.clearRect(0, 0, ...size.room);
  draw(canvasPen(context, look.family, look.colors.paper), sceneOf(drawing));
}

let isDue = false;

/** Paints before the next frame, once whatever comes until then. */
function repaint() {
  if (isDue) return;
  isDue = true;
  requestAnimationFrame(() => {
    isDue = false;
    paint();
  });
}

/** Lets other tasks in. */
const pause = () => new Promise((resume) => setTimeout(resume));

async function show(next: Drawing) {
  const layout = ++layouts;
  const [last, before] = [pairs, drawing];
  pairs = pairsOf(next);
  const isSame = next.before.every((number, at) => number === at) && next.before.length === before?.before.length;
  places = carriedOver(next, places);
  if (!isSame) moved = undefined;
  drawing = next;
  const fonts = load(next);
  if (!isSame || pairs.join() !== last.join() || isMoving) {
    isMoving = true;
    let [begun, painted, cost] = [performance.now(), performance.now(), FIRST];
    for (const _ of layOut(places, pairs)) {
      const now = performance.now();
      if (now - begun < TURN) continue;
      const isShown = !look.isStill && now - painted > cost / SHOWN;
      if (isShown) paint();
      await pause();
      if (layout !== layouts) return;
      begun = performance.now();
      // The lines that were drawn become pixels only when the picture is handed over.
      if (isShown) [painted, cost] = [begun, begun - now];
    }
    isMoving = false;
  }
  await fonts;
  if (layout !== layouts) return;
  paint();
  requestAnimationFrame(() => layout === layouts && tell({ isSettled: true }));
}

const { fonts } = self as unknown as Partial<FontFaceSource>;

/** Loads the fonts of all names. */
async function load({ labels }: Drawing) {
  await fonts?.load(`13px ${look.family}`, labels.join('')).catch(() => []);
  forgetWidths();
}

function zoom({ factor, at: [x, y] = [size.room[0] / 2, size.room[1] / 2] }: NonNullable<Task['zoom']>, eye: Eye) {
  moved = { scale: eye.scale * factor, x: x - (x - eye.x) * factor, y: y - (y - eye.y) * factor };
}

async function save(format: NonNullable<Task['save']>, scene: Scene): Promise<Blob | Places> {
  if (format === 'places') return places.slice();
  return format === 'SVG' ? svg(scene, look.family) : png(scene, look.family);
}

onmessage = async ({ data: task }: MessageEvent<Task>) => {
  if (task.canvas) canvas = task.canvas;
  for (const { family, source, descriptors } of task.faces ?? []) fonts?.add(new FontFace(family, source, descriptors));
  if (task.look) look = task.look;
  if (task.size) size = task.size;
  if (task.drawing) void show(task.drawing);
  if (!drawing) return;
  const scene = sceneOf(drawing);
  if (task.by) moved = { ...scene.eye, x: scene.eye.x + task.by[0], y: scene.eye.y + task.by[1] };
  if (task.zoom) zoom(task.zoom, scene.eye);
  if (task.isWhole) moved = undefined;
  if (task.at) tell({ found: { actor: nearest(scene, task.at) } });
  if (task.save) tell({ saved: await save(task.save, scene) });
  if (!isMoving) repaint();
};
