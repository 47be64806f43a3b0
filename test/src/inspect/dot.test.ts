import { Graphviz } from '@hpcc-js/wasm-graphviz';
import { dot } from '../../../src/inspect/dot.ts';
import { drawPicture } from '../../../src/inspect/picture.ts';
import { described, type ReadDrawing, testRenderer } from '../../conformance/renderer.ts';
import { unescapeXml } from './read-svg.ts';

/** Graphviz itself reads it, and what it would show is read from its drawing. */
async function read(source: string): Promise<ReadDrawing> {
  const drawing = (await Graphviz.load()).layout(source, 'svg', 'dot');
  const shown = (part: string): string[] =>
    [...part.matchAll(/<text [^>]*>([^<]*)<\/text>/g)].map((match) => unescapeXml(match[1] ?? '').replaceAll('\u00a0', ' '));
  const parts = drawing.split(/<g id="(?:node|edge)\d+" class="/).slice(1);
  const labels = parts
    .filter((part) => part.startsWith('node'))
    .map((part) => {
      const [label = '', detail = '', ...more] = shown(part);
      if (more.length > 0) throw new Error(`a label with more lines: ${more.join()}`);
      return [label, detail] as const;
    });
  if (/<image|<script|href="(?!\s)/.test(drawing.replaceAll('xlink:title', ''))) throw new Error('something that loads or runs');
  return { labels, edges: parts.filter((part) => part.startsWith('edge')).length };
}

describe('dot', () => {
  testRenderer(dot, read);

  it('says what hovering shows', async () => {
    const source = (await dot.render(drawPicture({ tasks: [described({ name: 'a"b', key: 'k\\N' })] }))) as string;
    expect(source).toContain('tooltip="name: a\\"b\\nkey: k\\\\N"');
  });
});
