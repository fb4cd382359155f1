import { type Eye, type Look, draw } from './draw';
import type { Graph } from './graph';
import type { Layout, Point } from './layout';
import { canvasPen, escape, svgPen } from './pens';

export interface Picture {
  graph: Graph;
  layout: Layout;
  look: Look;
  family: string;
}

const MARGIN = 80;

/** The eye that sees all of a layout, in its own size. */
function whole(layout: Layout): { eye: Eye; size: Point } {
  const [xs, ys] = [[...layout.values()].map(([x]) => x), [...layout.values()].map(([, y]) => y)];
  const [left, top] = [Math.min(...xs), Math.min(...ys)];
  const size: Point = [Math.ceil(Math.max(...xs) - left + 2 * MARGIN), Math.ceil(Math.max(...ys) - top + 2 * MARGIN)];
  return { eye: { scale: 1, x: MARGIN - left, y: MARGIN - top }, size };
}

export function svg({ graph, layout, look, family }: Picture): Blob {
  const { eye, size } = whole(layout);
  const { paper } = look.colors;
  const context = document.createElement('canvas').getContext('2d')!;
  const pen = svgPen(family, paper, canvasPen(context, family, paper).widthOf);
  draw(pen, graph, layout, eye, look, size);
  const [width, height] = size;
  const head = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}">`;
  const ground = `<rect width="${width}" height="${height}" fill="${paper}"/>`;
  return new Blob([head, ground, pen.parts.join('\n'), '</svg>'], { type: 'image/svg+xml' });
}

/** Twice as fine as the screen. */
const FINE = 2;

export function png({ graph, layout, look, family }: Picture): Promise<Blob> {
  const { eye, size } = whole(layout);
  const canvas = document.createElement('canvas');
  [canvas.width, canvas.height] = [size[0] * FINE, size[1] * FINE];
  const context = canvas.getContext('2d')!;
  context.scale(FINE, FINE);
  context.fillStyle = look.colors.paper;
  context.fillRect(0, 0, ...size);
  draw(canvasPen(context, family, look.colors.paper), graph, layout, eye, look, size);
  return new Promise((resolve, reject) => {
    canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Error('The picture is too large.'))), 'image/png');
  });
}

/** For Gephi, with places and the evidence of each tie. */
export function gexf({ graph, layout }: Picture): Blob {
  const nodes = [...graph.actors.values()].map(({ id, slug, label, kind }) => {
    const [x, y] = layout.get(id) ?? [0, 0];
    return `<node id="${escape(slug)}" label="${escape(label)}"><attvalues><attvalue for="kind" value="${kind}"/></attvalues><viz:position x="${x}" y="${-y}" z="0"/></node>`;
  });
  const slugOf = (id: string) => escape(graph.actors.get(id)?.slug ?? id);
  const edges = graph.ties.map(({ source, target, kind, relationKind, weight, evidence }, at) => {
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
