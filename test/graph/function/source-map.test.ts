import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { transformSync } from '@swc/core';
import { builtRoot } from '../../../runtime/built-root.ts';
import { mapStack } from '../../../runtime/stack.ts';

const folder = mkdtempSync(join(tmpdir(), 'heddle-maps-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A compiled file and where in it `throw` stands. */
function compiled(source: string, target: string, inline: boolean): { file: string; line: number; column: number } {
  const text = 'interface A {\n  a: number;\n}\n\nexport function boom(a: A): never {\n  throw new Error(String(a.a));\n}\n';
  const { code, map } = transformSync(text, {
    filename: source,
    jsc: { parser: { syntax: 'typescript' }, target: 'es2022' },
    sourceMaps: inline ? 'inline' : true,
    configFile: false,
    swcrc: false,
  });
  const file = join(folder, target);
  writeFileSync(file, inline ? code : `${code}//# sourceMappingURL=${target}.map\n`);
  if (!inline) writeFileSync(`${file}.map`, map!);
  const line = code.split('\n').findIndex((one) => one.includes('throw'));
  return { file, line: line + 1, column: code.split('\n')[line]!.indexOf('throw') + 1 };
}

describe('a stack from a worker', () => {
  it('shows the lines of what was compiled, by a map beside the file', () => {
    const { file, line, column } = compiled('lib.ts', 'lib.js', false);
    for (const place of [file, pathToFileURL(file).href])
      expect(mapStack(`Error: 1\n    at boom (${place}:${line}:${column})`)).toBe(`Error: 1\n    at boom (${join(folder, 'lib.ts')}:6:3)`);
  });

  it('keeps lines that are right already: a loader in the worker has mapped them', () => {
    const { file, line, column } = compiled('same.ts', 'same.ts', true);
    const stack = `Error: 1\n    at boom (${file}:${line}:${column})`;
    expect(mapStack(stack)).toBe(stack);
    expect(mapStack(`Error: 1\n    at boom (${pathToFileURL(file).href}?heddle:${line}:${column})`)).toBe(
      `Error: 1\n    at boom (${file}:6:3)`,
    );
  });

  it('keeps what it does not know, and loses the mark', () => {
    expect(mapStack('Error: at /no/such/file.js:1:2\n    at x (file:///gone.js:3:4)\n    at <anonymous>')).toBe(
      'Error: at /no/such/file.js:1:2\n    at x (file:///gone.js:3:4)\n    at <anonymous>',
    );
    expect(mapStack('Error\n    at x (file:///gone.js?heddle:3:4)')).toBe('Error\n    at x (file:///gone.js:3:4)');
    expect(mapStack('not a stack')).toBe('not a stack');
  });

  it("ends with the user's own frames", () => {
    const own = new URL('chunks/some.js', builtRoot).href;
    const stack = [
      'Error: x',
      '    at user (/home/me/a.js:1:2)',
      `    at call (${own}:3:4)`,
      '    at process.processTicksAndRejections (node:internal/process/task_queues:95:5)',
    ];
    expect(mapStack(stack.join('\n'))).toBe(stack.slice(0, 2).join('\n'));
    expect(mapStack(['Error: x', stack[2]].join('\n'))).toContain(own); // one of heddle's own stays whole
  });
});
