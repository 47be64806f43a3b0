import { drawPicture } from '../../../src/inspect/picture.ts';
import { svg } from '../../../src/inspect/svg.ts';
import { described, nastyNames, testRenderer } from '../../conformance/renderer.ts';
import { readDrawing, readSvg } from './read-svg.ts';

describe('svg', () => {
  testRenderer(svg, readDrawing);

  const draw = async (...given: Parameters<typeof drawPicture>): Promise<ReturnType<typeof readSvg>> =>
    readSvg((await svg.render(drawPicture(...given))) as string);

  it('says key, name and members on hovering', async () => {
    const { titles } = readDrawing(
      (await svg.render(drawPicture({ tasks: [described({ name: 'count', key: 'count-1', members: ['read-1', 'count-1'] })] }))) as string,
    );
    expect(titles).toEqual(['name: count\nkey: count-1\nfused: read-1, count-1']);
  });

  it('keeps every line of hovering text its own, whatever the names hold', async () => {
    const tasks = nastyNames.map((name, row) => described({ name, key: `${name}${row}` }));
    const { titles } = readDrawing((await svg.render(drawPicture({ tasks }))) as string);
    for (const title of titles) expect(title.split('\n')).toHaveLength(2);
  });

  it('draws data as boxes and calls rounded', async () => {
    const elements = await draw({
      tasks: [described({ name: 'number', kind: 'data' }), described({ name: 'inc', key: 'inc-1', dependencies: [0] })],
    });
    const corners = elements.filter((element) => element.name === 'rect').map((element) => element.attributes.get('rx'));
    expect(corners).toEqual([undefined, '9']);
  });

  it('grows upwards unless told otherwise, with room for every node', async () => {
    const tasks = [described({ name: 'a' }), described({ name: 'b', key: 'b', dependencies: [0] })];
    const tops = async (rankdir: 'BT' | 'TB'): Promise<number[]> =>
      (await draw({ tasks }, { rankdir }))
        .filter((element) => element.name === 'rect')
        .map((element) => Number(element.attributes.get('y')));
    const [a, b] = await tops('BT');
    expect(a).toBeGreaterThan(b ?? Number.NaN);
    const [first, second] = await tops('TB');
    expect(first).toBeLessThan(second ?? Number.NaN);
  });

  it('places the nodes of a wide row without overlap', async () => {
    const tasks = Array.from({ length: 1200 }, (_, row) => described({ name: 'leaf', key: `leaf-${row}` }));
    const lefts = (
      await draw({ tasks: [...tasks, described({ name: 'all', dependencies: tasks.map((_, row) => row) })] }, { group: false })
    )
      .filter((element) => element.name === 'rect')
      .map(({ attributes }) => ({
        left: Number(attributes.get('x')),
        right: Number(attributes.get('x')) + Number(attributes.get('width')),
        top: attributes.get('y'),
      }));
    const row = lefts.filter(({ top }) => top === lefts[0]?.top).sort((a, b) => a.left - b.left);
    expect(row).toHaveLength(1200);
    for (const [i, { left }] of row.entries()) if (i > 0) expect(left).toBeGreaterThan(row[i - 1]?.right ?? 0);
  });

  it('shows what the colours mean', async () => {
    const elements = await draw(
      { tasks: [described({ name: 'a', workers: ['north'] }), described({ name: 'b', workers: ['</svg>'] })] },
      { color: 'worker' },
    );
    const legend = elements
      .filter((element) => element.name === 'text' && element.parent?.attributes.has('data-node') === false)
      .map((element) => element.text);
    expect(legend).toEqual(['north', '</svg>']);
  });

  const chain = (length: number): ReturnType<typeof drawPicture> =>
    drawPicture(
      { tasks: Array.from({ length }, (_, row) => described({ name: `n${row}`, dependencies: row === 0 ? [] : [row - 1] })) },
      { group: false },
    );

  it('says clearly when graphviz gives up on a graph, and goes on drawing others', async () => {
    await expect(svg.render(chain(15_000))).rejects.toMatchObject({ code: 'ERR_UNSUPPORTED', message: expect.stringContaining('group') });
    expect(readDrawing((await svg.render(chain(1))) as string).labels).toHaveLength(1);
  });

  it('does not even try what would take minutes', async () => {
    await expect(svg.render(chain(100_000))).rejects.toMatchObject({
      code: 'ERR_UNSUPPORTED',
      message: expect.stringContaining('100000 nodes'),
    });
  });
});
