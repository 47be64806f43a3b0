import fc from 'fast-check';
import type { DescribedTask, Description } from '../../graph/describe.ts';
import { drawPicture, type Picture } from '../../src/inspect/picture.ts';
import type { Renderer } from '../../src/inspect/renderer.ts';

/** What a reader of the format finds in a drawing. */
export interface ReadDrawing {
  /** The two lines of each node's label, in any order. */
  readonly labels: readonly (readonly [label: string, detail: string])[];
  /** How many arrows there are. */
  readonly edges: number;
}

/** Names that mean something to one of the formats, or to what shows them. */
export const nastyNames: readonly string[] = [
  '</title><script>alert(1)</script>',
  '<img src=x onerror=alert(1)>',
  '"];evil[label="x',
  '" onload="alert(1)',
  "' onmouseover='alert(1)",
  '"]:::x\n  click n0 "javascript:alert(1)"',
  '%%{init: {"securityLevel": "loose"}}%%',
  '%% a comment',
  'a\\',
  '\\N\\G\\l\\r\\"',
  'a\nb\r\nc\td',
  '-->',
  ']]>',
  '<![CDATA[x',
  '<!--',
  '<br/>',
  '&lt;b&gt;&#60;&amp;',
  '#quot;#60;#',
  '`markdown` **b** __init__ _i_',
  '1. item',
  '- item',
  'end',
  'subgraph x',
  'style n0 fill:#f00;',
  '$$x^2$$',
  'fa:fa-user',
  '__proto__',
  'constructor',
  '\u0000\u0007\u001b[31m',
  '\u202egnp.exe',
  '\u2028\u2029',
  '\ud800 alone',
  '\ufffe\uffff\ufeff',
  '数えるタスク',
  '👩‍👩‍👧‍👦 family',
  '😀'.repeat(40),
  'x'.repeat(500),
  '$' + '{alert(1)}',
  '{{x}}',
];

/** A name, mostly a nasty one. */
export function anyName(): fc.Arbitrary<string> {
  const nasty = fc.constantFrom(...nastyNames);
  return fc.oneof(
    nasty,
    fc.tuple(nasty, nasty).map(([a, b]) => a + b),
    fc.string({ unit: 'binary', minLength: 1, maxLength: 30 }),
    fc.string({ unit: fc.constantFrom(...'"\\<>&#;%`{}[]()|-=\n\' n0'), minLength: 1, maxLength: 12 }),
  );
}

/** A row of a Description; what is not given is plain. */
export function described(task: Partial<DescribedTask> & { readonly name: string }): DescribedTask {
  return {
    key: `${task.name}-${'0123456789abcdef'.repeat(2)}`,
    kind: 'call',
    dependencies: [],
    members: [],
    isOutput: false,
    bytesToRead: 0,
    ...task,
  };
}

/** A small graph of such names. */
export function anyDescription(): fc.Arbitrary<Description> {
  const rows = fc.array(
    fc.record({
      name: anyName(),
      key: anyName(),
      kind: fc.constantFrom('data' as const, 'call' as const),
      ups: fc.array(fc.nat(), { maxLength: 3 }),
      members: fc.array(anyName(), { maxLength: 3 }),
      workers: fc.array(anyName(), { maxLength: 2 }),
      isOutput: fc.boolean(),
    }),
    { minLength: 1, maxLength: 8 },
  );
  return rows.map((tasks) => ({
    tasks: tasks.map(({ ups, ...task }, row) =>
      described({ ...task, order: row, dependencies: row === 0 ? [] : [...new Set(ups.map((up) => up % row))] }),
    ),
  }));
}

/** What every Renderer must keep. `read` understands the format, and throws at anything in it that a renderer has no business to write. */
export function testRenderer(renderer: Renderer, read: (drawn: string, picture: Picture) => ReadDrawing | Promise<ReadDrawing>): void {
  const draw = async (picture: Picture): Promise<string> => {
    const drawn = await renderer.render(picture);
    if (typeof drawn !== 'string') throw new Error(`${renderer.format} gave bytes`);
    return drawn;
  };
  const expectFaithful = async (picture: Picture): Promise<void> => {
    const { labels, edges } = await read(await draw(picture), picture);
    const lines = (pairs: ReadDrawing['labels']): string[] => pairs.map((pair) => pair.join('\n')).sort();
    expect(lines(labels)).toEqual(lines(picture.nodes.map(({ label, detail }) => [label, detail])));
    expect(edges).toBe(picture.edges.length);
  };

  it('has endings that begin with a dot', () => {
    expect(renderer.endings.length).toBeGreaterThan(0);
    for (const ending of renderer.endings) expect(ending).toMatch(/^\.[a-z]+$/);
  });

  it('shows each nasty name as it is, and nothing else', async () => {
    await expectFaithful(
      drawPicture({
        tasks: nastyNames.map((name, row) => described({ name, key: `${name} ${row}`, dependencies: row === 0 ? [] : [row - 1] })),
      }),
    );
  });

  it('shows any names, keys and workers as they are, and nothing else', async () => {
    const options = fc.record({
      color: fc.constantFrom('name' as const, 'order' as const, 'worker' as const, 'status' as const, 'time' as const),
      rankdir: fc.constantFrom('BT' as const, 'TB' as const, 'LR' as const, 'RL' as const),
      group: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(anyDescription(), options, async (description, chosen) => {
        const runs = new Map(
          description.tasks.map((task, row) => [
            task.key,
            { status: row % 2 === 0 ? task.name : 'finished', milliseconds: row * 7, worker: task.name },
          ]),
        );
        await expectFaithful(drawPicture(description, { ...chosen, runs }));
      }),
      { numRuns: 60 },
    );
  });

  it('gives the same text for the same picture', async () => {
    const picture = drawPicture({ tasks: [described({ name: 'read' }), described({ name: 'count', dependencies: [0] })] });
    expect(await draw(picture)).toBe(await draw(picture));
  });

  it('draws a graph without tasks', async () => {
    await expectFaithful(drawPicture({ tasks: [] }));
  });

  //  n0 ─▶ n1 ─▶ … ─▶ n1999
  it('draws a chain of 2,000 tasks', async () => {
    const tasks = Array.from({ length: 2000 }, (_, row) => described({ name: `n${row}`, dependencies: row === 0 ? [] : [row - 1] }));
    await expectFaithful(drawPicture({ tasks }, { group: false }));
  });

  //  a ─▶ b ─▶ b ─▶ a, by name: two nodes, and arrows that go round
  it('draws groups that depend on themselves and on each other', async () => {
    const names = ['a', 'b', 'b', 'a'];
    const picture = drawPicture(
      { tasks: names.map((name, row) => described({ name, key: `k${row}`, dependencies: row === 0 ? [] : [row - 1] })) },
      { group: true },
    );
    expect(picture.edges.length).toBe(3);
    await expectFaithful(picture);
  });
}
