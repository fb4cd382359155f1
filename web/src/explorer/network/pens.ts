import type { Pen } from './draw';
import type { Point } from './drawing';

const FONT = (isBold: boolean, family: string) => `${isBold ? 700 : 400} 13px ${family}`;

/** So many numbers of lines are stroked at once: without a graphics processor, longer paths take much longer. */
const TOGETHER = 4 * 50;

type Context = OffscreenCanvasRenderingContext2D;

/** Draws on a canvas. */
export function canvasPen(context: Context, family: string, paper: string): Pen {
  const paint = (fill: string, stroke: string, width: number) => {
    context.fillStyle = fill;
    context.fill();
    if (width === 0) return;
    Object.assign(context, { strokeStyle: stroke, lineWidth: width });
    context.setLineDash([]);
    context.stroke();
  };
  return {
    lines: (lines, { color, opacity, width, dashes }) => {
      Object.assign(context, { strokeStyle: color, lineWidth: width, globalAlpha: opacity });
      context.setLineDash(dashes);
      for (let begin = 0; begin < lines.length; begin += TOGETHER) {
        context.beginPath();
        for (let at = begin; at < Math.min(begin + TOGETHER, lines.length); at += 4) {
          context.moveTo(lines[at]!, lines[at + 1]!);
          context.lineTo(lines[at + 2]!, lines[at + 3]!);
        }
        context.stroke();
      }
      context.globalAlpha = 1;
    },
    shape: (points, fill, stroke, width) => {
      context.beginPath();
      for (const [x, y] of points) context.lineTo(x, y);
      context.closePath();
      paint(fill, stroke, width);
    },
    circle: ([x, y], radius, fill, stroke, width) => {
      context.beginPath();
      context.arc(x, y, radius, 0, 2 * Math.PI);
      paint(fill, stroke, width);
    },
    text: (text, [x, y], color, isBold) => {
      Object.assign(context, {
        font: FONT(isBold, family),
        textAlign: 'center',
        lineWidth: 3,
        strokeStyle: paper,
        fillStyle: color,
      });
      context.setLineDash([]);
      context.strokeText(text, x, y);
      context.fillText(text, x, y);
    },
    widthOf: widthsIn(context, family),
  };
}

const widths = new Map<string, number>();

/** Forgets the widths of texts, as another font has others. */
export const forgetWidths = () => widths.clear();

/** Widths of texts, each measured once. */
function widthsIn(context: Context, family: string) {
  return (text: string) => {
    const known = widths.get(text);
    if (known !== undefined) return known;
    context.font = FONT(true, family);
    const { width } = context.measureText(text);
    widths.set(text, width);
    return width;
  };
}

const SIGNS: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };
export const escape = (text: string) => text.replace(/[&<>"]/g, (sign) => SIGNS[sign]!);

/** Writes an SVG: `parts` are its elements. */
export function svgPen(family: string, paper: string, widthOf: Pen['widthOf']): Pen & { parts: string[] } {
  const parts: string[] = [];
  const round = (value: number) => Math.round(value * 10) / 10;
  const pointsOf = (points: Point[]) => points.map(([x, y]) => `${round(x)},${round(y)}`).join(' ');
  return {
    parts,
    widthOf,
    lines: (lines, { color, opacity, width, dashes }) => {
      const dashed = dashes.length > 0 ? ` stroke-dasharray="${dashes.join(' ')}"` : '';
      const drawn = lines.map((value, at) => `${['M', ',', 'L', ','][at % 4]}${round(value)}`).join('');
      parts.push(`<path d="${drawn}" stroke="${color}" stroke-opacity="${opacity}" stroke-width="${width}"${dashed}/>`);
    },
    shape: (points, fill, stroke, width) => {
      parts.push(`<polygon points="${pointsOf(points)}" fill="${fill}" stroke="${stroke}" stroke-width="${width}"/>`);
    },
    circle: ([x, y], radius, fill, stroke, width) => {
      parts.push(
        `<circle cx="${round(x)}" cy="${round(y)}" r="${radius}" fill="${fill}" stroke="${stroke}" stroke-width="${width}"/>`,
      );
    },
    text: (text, [x, y], color, isBold) => {
      const font = `font-family="${escape(family)}" font-size="13" font-weight="${isBold ? 700 : 400}" text-anchor="middle"`;
      const halo = `paint-order="stroke" stroke="${paper}" stroke-width="3"`;
      parts.push(`<text x="${round(x)}" y="${round(y)}" fill="${color}" ${font} ${halo}>${escape(text)}</text>`);
    },
  };
}
