import { mermaid } from '../../../src/inspect/mermaid.ts';
import { drawPicture } from '../../../src/inspect/picture.ts';
import { described, type ReadDrawing, testRenderer } from '../../conformance/renderer.ts';

const label = String.raw`(?:[\p{L}\p{N} ×·…]|(?<=[\p{L}\p{N}])[_.](?=[\p{L}\p{N}])|#\d+;)*`;
const forms = {
  head: /^flowchart (?:BT|TB|LR|RL)$/,
  node: new RegExp(`^ {2}n\\d+(?:\\("(${label})<br/>(${label})"\\)|\\["(${label})<br/>(${label})"\\])$`, 'u'),
  edge: /^ {2}n\d+ -->(?:\|\d+\|)? n\d+$/,
  classDef: /^ {2}classDef c\d+ fill:#[0-9a-f]{6},color:#[0-9a-f]{6},stroke:#[0-9a-f]{6}(?:,stroke-width:3px)?$/,
  class: /^ {2}class n\d+(?:,n\d+)* c\d+$/,
};

/** Mermaid needs a browser; this reads the few line forms that heddle writes, and nothing beside them. */
function read(source: string): ReadDrawing {
  const [head = '', ...lines] = source.trimEnd().split('\n');
  if (!forms.head.test(head)) throw new Error(`no head: ${head}`);
  const plain = (text: string): string =>
    text.replace(/(#(?:36|58|92);)#8203;/g, '$1').replace(/#(\d+);/g, (_, code: string) => String.fromCodePoint(Number(code)));
  const labels: [string, string][] = [];
  let edges = 0;
  for (const line of lines) {
    const node = forms.node.exec(line);
    if (node !== null) labels.push([plain(node[1] ?? node[3] ?? ''), plain(node[2] ?? node[4] ?? '')]);
    else if (forms.edge.test(line)) edges += 1;
    else if (!forms.classDef.test(line) && !forms.class.test(line)) throw new Error(`a line of no known form: ${line}`);
  }
  return { labels, edges };
}

describe('mermaid', () => {
  testRenderer(mermaid, read);

  it('leaves plain names readable', async () => {
    expect(await mermaid.render(drawPicture({ tasks: [described({ name: 'read_bytes' })] }))).toContain('n0("read_bytes<br/>01234567")');
  });
});
