import { json } from '../../../src/inspect/json.ts';
import { drawPicture, type Picture } from '../../../src/inspect/picture.ts';
import { described, nastyNames, type ReadDrawing, testRenderer } from '../../conformance/renderer.ts';

interface JsonPicture {
  readonly tasks: number;
  readonly nodes: readonly { readonly id: number; readonly key?: string; readonly keys?: readonly string[]; readonly name: string }[];
  readonly edges: readonly { readonly from: number; readonly to: number; readonly count: number }[];
}

function read(source: string, picture: Picture): ReadDrawing {
  if (/[<>&]/.test(source)) throw new Error('a sign that acts inside a page');
  const { nodes, edges } = JSON.parse(source) as JsonPicture;
  const labels = nodes.map(({ id, name, key, keys }): [string, string] => {
    const node = picture.nodes[id];
    // names and keys come whole, so they are compared whole
    expect([name, key === undefined ? keys : [key]]).toEqual([node?.name, node?.keys]);
    return [node?.label ?? '', node?.detail ?? ''];
  });
  return { labels, edges: edges.length };
}

describe('json', () => {
  testRenderer(json, read);

  it('gives names and keys back as they were, even where they are no proper text', async () => {
    const tasks = nastyNames.map((name) => described({ name, key: `${name}!` }));
    const { nodes } = JSON.parse((await json.render(drawPicture({ tasks }))) as string) as JsonPicture;
    expect(nodes.map(({ name, key }) => [name, key])).toEqual(nastyNames.map((name) => [name, `${name}!`]));
  });

  it('says which task depends on which', async () => {
    const tasks = [described({ name: 'a' }), described({ name: 'b', key: 'b', dependencies: [0] })];
    expect(JSON.parse((await json.render(drawPicture({ tasks }))) as string)).toMatchObject({
      tasks: 2,
      dependencies: 1,
      grouped: false,
      edges: [{ from: 0, to: 1, count: 1 }],
    });
  });
});
