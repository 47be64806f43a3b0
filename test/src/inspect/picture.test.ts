import { drawPicture, type TaskRun } from '../../../src/inspect/picture.ts';
import { described } from '../../conformance/renderer.ts';

//  read ─▶ count ─┐
//  read ─▶ count ─┴▶ merge
const hex = (digit: string): string => digit.repeat(32);
const tasks = [
  described({ name: 'read', key: `read-${hex('a')}`, bytesToRead: 1000, hosts: ['north'], order: 0 }),
  described({ name: 'count', key: `count-${hex('b')}`, dependencies: [0], order: 1, workers: ['w0'] }),
  described({ name: 'read', key: `read-${hex('c')}`, bytesToRead: 500, hosts: ['south'], order: 2 }),
  described({ name: 'count', key: `count-${hex('d')}`, dependencies: [2], order: 3, workers: ['w1'] }),
  described({ name: 'merge', key: 'the total', dependencies: [1, 3], order: 4, isOutput: true }),
];
const fills = (...given: Parameters<typeof drawPicture>): string[] => drawPicture(...given).nodes.map((node) => node.paint.fill);

describe('drawPicture', () => {
  it('makes a node a task and an arrow a dependency', () => {
    const picture = drawPicture({ tasks });
    expect(picture.nodes.map(({ label, detail }) => `${label} ${detail}`)).toEqual([
      'read aaaaaaaa',
      'count bbbbbbbb',
      'read cccccccc',
      'count dddddddd',
      'merge the total',
    ]);
    expect(picture.edges).toEqual([
      { from: 0, to: 1, count: 1 },
      { from: 2, to: 3, count: 1 },
      { from: 1, to: 4, count: 1 },
      { from: 3, to: 4, count: 1 },
    ]);
    expect(picture).toMatchObject({ isGrouped: false, tasks: 5, dependencies: 4, rankdir: 'BT', color: 'name' });
  });

  it('makes a node a name when told to', () => {
    const picture = drawPicture({ tasks }, { group: true });
    expect(picture.nodes.map(({ label, detail, bytesToRead, hosts }) => [label, detail, bytesToRead, hosts])).toEqual([
      ['read', '× 2', 1500, ['north', 'south']],
      ['count', '× 2', 0, []],
      ['merge', 'the total', 0, []],
    ]);
    expect(picture.edges).toEqual([
      { from: 0, to: 1, count: 2 },
      { from: 1, to: 2, count: 2 },
    ]);
    expect(picture).toMatchObject({ isGrouped: true, tasks: 5, dependencies: 4 });
  });

  it('groups above 500 tasks, and not at 500', () => {
    const many = (count: number): ReturnType<typeof drawPicture> =>
      drawPicture({ tasks: Array.from({ length: count }, (_, i) => described({ name: 'inc', key: `k${i}` })) });
    expect(many(500).nodes).toHaveLength(500);
    expect(many(501).nodes).toHaveLength(1);
  });

  it('keeps data and calls of one name apart, and names such as constructor and __proto__', () => {
    const names = ['constructor', '__proto__', 'constructor', '__proto__'];
    const rows = names.map((name, i) => described({ name, key: `k${i}`, kind: i === 2 ? 'data' : 'call' }));
    expect(drawPicture({ tasks: rows }, { group: true }).nodes.map(({ name, kind, count }) => [name, kind, count])).toEqual([
      ['constructor', 'call', 1],
      ['__proto__', 'call', 2],
      ['constructor', 'data', 1],
    ]);
  });

  it('groups a million tasks without overflow', () => {
    const million = Array.from({ length: 1_000_000 }, (_, i) =>
      described({ name: `step${i % 3}`, key: 'k', dependencies: i === 0 ? [] : [i - 1] }),
    );
    expect(drawPicture({ tasks: million })).toMatchObject({
      tasks: 1_000_000,
      dependencies: 999_999,
      nodes: { length: 3 },
      edges: { length: 3 },
    });
  });

  it('gives a name one colour, and others to other names', () => {
    const [read, count, read2, count2, merge] = fills({ tasks });
    expect([read2, count2]).toEqual([read, count]);
    expect(new Set([read, count, merge]).size).toBe(3);
  });

  it('colours by order from dark to light, with what the ends mean', () => {
    const picture = drawPicture({ tasks }, { color: 'order' });
    expect(new Set(picture.nodes.map((node) => node.paint.fill)).size).toBe(5);
    expect(picture.legend).toEqual([
      { text: 'order 0', paint: picture.nodes[0]?.paint },
      { text: 'order 4', paint: picture.nodes[4]?.paint },
    ]);
  });

  it('colours by worker, status and time of what ran, also of a member of a fused row', () => {
    const runs = new Map<string, TaskRun>([
      [`read-${hex('a')}`, { status: 'finished', milliseconds: 1, worker: 'w1' }],
      ['inside', { status: 'error', milliseconds: 100, worker: 'w0' }],
    ]);
    const rows = [...tasks.slice(0, 4), described({ name: 'merge', key: 'fused', members: ['inside', 'fused'], dependencies: [1, 3] })];
    expect(drawPicture({ tasks: rows }, { color: 'status', runs }).legend.map(({ text }) => text)).toEqual([
      'finished',
      'error',
      'not known',
    ]);
    expect(drawPicture({ tasks: rows }, { color: 'worker', runs }).legend.map(({ text }) => text)).toEqual(['w1', 'w0', 'any worker']);
    expect(drawPicture({ tasks: rows }, { color: 'time', runs }).legend.map(({ text }) => text)).toEqual(['1 ms', '100 ms', 'not known']);
    const [byWorker] = [fills({ tasks: rows }, { color: 'worker', runs })];
    expect(byWorker[0]).toBe(byWorker[3]);
    expect(byWorker[1]).toBe(byWorker[4]);
  });

  it('shows a group by what needs a look first', () => {
    const runs = new Map<string, TaskRun>([
      [`count-${hex('b')}`, { status: 'finished' }],
      [`count-${hex('d')}`, { status: 'erred' }],
    ]);
    expect(drawPicture({ tasks }, { color: 'status', group: true, runs }).nodes[1]?.status).toBe('erred');
  });

  it('tells on hovering what is known, and no more', () => {
    expect(drawPicture({ tasks }).nodes[0]?.facts).toEqual([
      ['name', 'read'],
      ['key', `read-${hex('a')}`],
      ['order', '0'],
      ['reads', '1 kB'],
      ['hosts', 'north'],
    ]);
    const members = Array.from({ length: 30 }, (_, i) => `m${i}`);
    const facts = new Map(drawPicture({ tasks: [described({ name: 'all', members, isOutput: true })] }).nodes[0]?.facts);
    expect(facts.get('fused')?.split('\n')).toEqual([...members.slice(0, 12), '… 30 in all']);
    expect(facts.get('output')).toBe('yes');
  });
});
