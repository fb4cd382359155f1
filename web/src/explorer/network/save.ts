import { type Scene, draw, endsOf } from './draw';
import { canvasPen, escape, svgPen } from './pens';
import type { Graph } from './graph';
import type { Places } from './layout';

const MARGIN = 80;
/** Twice as fine as the screen, unless the picture would be too large for a canvas. */
const [FINE, LARGEST] = [2, 8192];

/** A scene that shows all of a layout in its own size. */
function wholeOf(scene: Scene): Scene {
  const [left, right, top, bottom] = endsOf(scene.places);
  return {
    ...scene,
    eye: { scale: 1, x: MARGIN - left, y: MARGIN - top },
    room: [Math.ceil(right - left + 2 * MARGIN), Math.ceil(bottom - top + 2 * MARGIN)],
    chosen: undefined,
    isMoving: false,
  };
}

export function svg(shown: Scene, family: string): Blob {
  const scene = wholeOf(shown);
  const { paper } = scene.colors;
  const context = new OffscreenCanvas(1, 1).getContext('2d')!;
  const pen = svgPen(family, paper, canvasPen(context, family, paper).widthOf);
  draw(pen, scene);
  const [width, height] = scene.room;
  const head = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}">`;
  const ground = `<rect width="${width}" height="${height}" fill="${paper}"/>`;
  return new Blob([head, ground, pen.parts.join('\n'), '</svg>'], { type: 'image/svg+xml' });
}

export function png(shown: Scene, family: string): Promise<Blob> {
  const scene = wholeOf(shown);
  const [width, height] = scene.room;
  const fine = Math.min(FINE, LARGEST / Math.max(width, height));
  const canvas = new OffscreenCanvas(width * fine, height * fine);
  const context = canvas.getContext('2d')!;
  context.scale(fine, fine);
  context.fillStyle = scene.colors.paper;
  context.fillRect(0, 0, width, height);
  draw(canvasPen(context, family, scene.colors.paper), scene);
  return canvas.convertToBlob({ type: 'image/png' });
}

/** For Gephi, with places and the evidence of each tie. */
export function gexf({ actors, ties }: Graph, places: Places): Blob {
  const nodes = [...actors.values()].map(({ slug, label, kind }, at) => {
    const [x, y] = [places[2 * at] ?? 0, places[2 * at + 1] ?? 0];
    return `<node id="${escape(slug)}" label="${escape(label)}"><attvalues><attvalue for="kind" value="${kind}"/></attvalues><viz:position x="${x}" y="${-y}" z="0"/></node>`;
  });
  const slugOf = (id: string) => escape(actors.get(id)?.slug ?? id);
  const edges = ties.map(({ source, target, kind, relationKind, weight, evidence }, at) => {
    const type = kind === 'CO_PARTICIPATION' ? 'undirected' : 'directed';
    return `<edge id="${at}" source="${slugOf(source)}" target="${slugOf(target)}" kind="${relationKind ?? kind}" type="${type}" weight="${weight}"><attvalues><attvalue for="evidence" value="${escape(evidence.label)}"/></attvalues></edge>`;
  });
  const text = `<?xml version="1.0" encoding="UTF-8"?>
<gexf xmlns="http://gexf.net/1.3" xmlns:viz="http://gexf.net/1.3/viz" version="1.3">
<graph defaultedgetype="directed">
<attributes class="node"><attribute id="kind" title="kind" type="string"/></attributes>
<attributes class="edge"><attribute id="evidence" title="evidence" type="string"/></attributes>
<nodes>
${nodes.join('\n')}
</nodes>
<edges>
${edges.join('\n')}
</edges>
</graph>
</gexf>
`;
  return new Blob([text], { type: 'application/gexf+xml' });
}

/** Hands a file to the browser. */
export function download(blob: Blob, name: string) {
  const link = Object.assign(document.createElement('a'), { href: URL.createObjectURL(blob), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href));
}
