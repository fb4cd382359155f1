import type { Graph } from './graph';
import { drawingOf } from './drawing';
import type { Places } from './layout';
import type { Face, News, Task } from './stage.worker';

/** How a graph is drawn, and the id of the actor that the reader chose. */
type Look = Omit<NonNullable<Task['look']>, 'chosen'> & { chosen: string | undefined };

/** A canvas that a worker draws on. */
export class Stage {
  readonly #worker = new Worker(new URL('./stage.worker.ts', import.meta.url), { type: 'module' });
  #ids: string[] = [];
  #look: Look | undefined;
  #found: ((id: string | undefined) => void) | undefined;
  #saved: ((content: Blob | Places) => void)[] = [];
  onSettled = () => {};

  constructor(element: HTMLCanvasElement) {
    this.#worker.onmessage = ({ data }: MessageEvent<News>) => this.#hear(data);
    const canvas = element.transferControlToOffscreen();
    this.#worker.postMessage({ canvas, faces: faces() } satisfies Task, [canvas]);
  }

  show(graph: Graph, expanded: Set<string>) {
    const before = new Map(this.#ids.map((id, number) => [id, number]));
    this.#ids = [...graph.actors.keys()];
    this.tell({ ...this.#told(), drawing: drawingOf(graph, expanded, before) });
  }

  dress(look: Look) {
    this.#look = look;
    this.tell(this.#told());
  }

  tell(task: Task) {
    this.#worker.postMessage(task);
  }

  /** Finds who is drawn at a point. */
  find(at: NonNullable<Task['at']>, found: (id: string | undefined) => void) {
    this.#found = found;
    this.tell({ at });
  }

  /** The picture as a file, or the places of the actors. */
  save<Format extends NonNullable<Task['save']>>(save: Format): Promise<Format extends 'places' ? Places : Blob> {
    this.tell({ save });
    return new Promise((resolve) => this.#saved.push(resolve as (content: Blob | Places) => void));
  }

  close() {
    this.#worker.terminate();
  }

  /** How it looks, with the number of the chosen actor in the present drawing. */
  #told(): Task {
    if (!this.#look) return {};
    const { chosen, ...look } = this.#look;
    const number = chosen === undefined ? -1 : this.#ids.indexOf(chosen);
    return { look: { ...look, chosen: number < 0 ? undefined : number } };
  }

  #hear({ isSettled, found, saved }: News) {
    if (isSettled) this.onSettled();
    if (found) this.#found?.(found.actor === undefined ? undefined : this.#ids[found.actor]);
    if (saved) this.#saved.shift()?.(saved);
  }
}

/** The fonts of the page, with the addresses that they have from anywhere. */
function faces(): Face[] {
  const rules = [...document.styleSheets].flatMap((sheet) => [...sheet.cssRules]);
  return rules
    .filter((rule) => rule instanceof CSSFontFaceRule)
    .map(({ style, parentStyleSheet }) => {
      const base = parentStyleSheet?.href ?? document.baseURI;
      const absolute = (_: string, address: string) => `url("${new URL(address, base)}")`;
      return {
        family: style.getPropertyValue('font-family').replace(/["']/g, ''),
        source: style.getPropertyValue('src').replace(/url\(["']?(.*?)["']?\)/g, absolute),
        descriptors: {
          style: style.getPropertyValue('font-style'),
          weight: style.getPropertyValue('font-weight'),
          unicodeRange: style.getPropertyValue('unicode-range'),
        },
      };
    });
}

const stages = new WeakMap<HTMLCanvasElement, Stage>();

/** The stage of a canvas: only one, however often it is asked for. */
export function stageOf(canvas: HTMLCanvasElement): Stage {
  const stage = stages.get(canvas) ?? new Stage(canvas);
  stages.set(canvas, stage);
  return stage;
}

/** Closes the stage of a canvas that the page no longer has. */
export function leave(canvas: HTMLCanvasElement) {
  setTimeout(() => {
    if (canvas.isConnected) return;
    stages.get(canvas)?.close();
    stages.delete(canvas);
  });
}
