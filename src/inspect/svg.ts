import { edgeWidth } from './dot.ts';
import { detailSize, type Layout, labelSize, layOut } from './layout.ts';
import type { Picture, PictureNode } from './picture.ts';
import type { Renderer } from './renderer.ts';
import { escapeXml, grouped, textWidth } from './text.ts';

/** A drawing for browsers, editors and READMEs; legible on light and dark pages. Needs nothing from outside and runs nothing. */
export const svg: Renderer = {
  format: 'svg',
  endings: ['.svg'],
  async render(picture) {
    return `${drawSvg(picture, await layOut(picture))}\n`;
  },
};

const margin = 12;
const legendLine = 22;
const fonts = `"Helvetica Neue", Helvetica, Arial, "Liberation Sans", sans-serif`;

/** The `<svg>` element. Styles are attributes, not CSS, so that a page's content security policy need not allow any. */
export function drawSvg(picture: Picture, layout: Layout): string {
  const legend = drawLegend(picture.legend, layout.height + margin, Math.max(layout.width, 420));
  const width = Math.ceil(Math.max(layout.width, legend.width) + 2 * margin);
  const height = Math.ceil(layout.height + 2 * margin + legend.height);
  const title = `Task graph: ${grouped(picture.tasks)} tasks, ${grouped(picture.dependencies)} dependencies${picture.isGrouped ? ', grouped by name' : ''}`;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="${-margin} ${-margin} ${width} ${height}" font-family="${escapeXml(fonts)}" text-anchor="middle" role="img" aria-label="${title}">`,
    '<defs><marker id="heddle-tip" viewBox="0 0 10 10" refX="9.5" refY="5" markerWidth="8" markerHeight="8" markerUnits="userSpaceOnUse" orient="auto"><path d="M0.5 0.8 9.5 5 0.5 9.2 2.6 5Z" fill="#8b95a5"/></marker></defs>',
    '<g fill="none" stroke="#8b95a5" stroke-width="1.2" stroke-linecap="round">',
    ...picture.edges.map((edge, i) => drawEdge(edge, layout.edges[i] ?? [])),
    '</g>',
    '<g>',
    ...picture.nodes.map((node, i) => drawNode(node, i, layout)),
    '</g>',
    ...(legend.text === '' ? [] : [legend.text]),
    '</svg>',
  ].join('\n');
}

function drawEdge({ from, to, count }: Picture['edges'][number], points: Layout['edges'][number]): string {
  const [start, ...rest] = points;
  if (start === undefined) return '';
  const path = `M${number(start[0])} ${number(start[1])}C${rest.map(([x, y]) => `${number(x)} ${number(y)}`).join(' ')}`;
  const many = count > 1 ? ` stroke-width="${edgeWidth(count)}"><title>${grouped(count)} dependencies</title></path>` : '/>';
  return `<path data-from="${from}" data-to="${to}" d="${path}" marker-end="url(#heddle-tip)"${many}`;
}

function drawNode(node: PictureNode, i: number, layout: Layout): string {
  const placed = layout.nodes[i] ?? { x: 0, y: 0, width: 0, height: 0 };
  const { fill, ink, border } = node.paint;
  // a group is a pile of cards in the place of one
  const pile = node.count > 1 ? 5 : 0;
  const width = placed.width - pile;
  const height = placed.height - pile;
  const left = placed.x - placed.width / 2;
  const top = placed.y - placed.height / 2 + pile;
  const x = left + width / 2;
  const y = top + height / 2;
  const card = (lift: number): string =>
    `<rect x="${number(left + lift)}" y="${number(top - lift)}" width="${width}" height="${height}"${node.kind === 'call' ? ' rx="9"' : ''} fill="${fill}" stroke="${border}" stroke-width="${node.isOutput ? 2.6 : 1.1}"/>`;
  const facts = node.facts.map(([name, text]) => `${name}: ${text.replaceAll('\n', ', ')}`).join('\n');
  return [
    `<g data-node="${i}"><title>${escapeXml(facts)}</title>${pile > 0 ? card(pile) + card(pile / 2) : ''}${card(0)}`,
    `<text x="${number(x)}" y="${number(y - 2.5)}" font-size="${labelSize}" font-weight="600" fill="${ink}"${squeeze(node.label, labelSize, width)}>${escapeXml(node.label)}</text>`,
    `<text x="${number(x)}" y="${number(y + 12)}" font-size="${detailSize}" fill="${ink}" fill-opacity="0.78"${squeeze(node.detail, detailSize, width)}>${escapeXml(node.detail)}</text></g>`,
  ].join('');
}

/** A label that would leave its node is squeezed into it. */
function squeeze(text: string, size: number, width: number): string {
  return textWidth(text) * size * 1.06 > width - 12 ? ` textLength="${number(width - 16)}" lengthAdjust="spacingAndGlyphs"` : '';
}

function drawLegend(legend: Picture['legend'], top: number, room: number): { text: string; width: number; height: number } {
  let x = 0;
  let y = top;
  let width = 0;
  const parts: string[] = [];
  for (const { text, paint } of legend) {
    const needed = 20 + textWidth(text) * 12.8;
    if (x > 0 && x + needed > room) {
      x = 0;
      y += legendLine;
    }
    parts.push(
      `<rect x="${number(x)}" y="${number(y)}" width="14" height="14" rx="3" fill="${paint.fill}" stroke="${paint.border}"/>`,
      `<text x="${number(x + 20)}" y="${number(y + 11)}" font-size="12" fill="#768390" text-anchor="start">${escapeXml(text)}</text>`,
    );
    width = Math.max(width, x + needed);
    x += needed + 20;
  }
  return {
    text: parts.length === 0 ? '' : `<g>${parts.join('')}</g>`,
    width,
    height: parts.length === 0 ? 0 : y - top + legendLine + margin,
  };
}

function number(amount: number): string {
  return String(Math.round(amount * 10) / 10);
}
