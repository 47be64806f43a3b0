import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const fixtures = fileURLToPath(new URL('../../fixtures/functions/', import.meta.url));
const root = fileURLToPath(new URL('../../../', import.meta.url));
const runUrl = pathToFileURL(join(fixtures, 'run.mjs')).href;
const folder = mkdtempSync(join(tmpdir(), 'heddle-programs-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Outcome {
  readonly code: number | null;
  readonly output: string;
  readonly errors: string;
  /** What the program reported. */
  readonly result: Record<string, unknown>;
}

/** Runs Node with these arguments to its end. */
function node(
  args: readonly string[],
  { input, holdInput = false }: { readonly input?: string /** Until the program has reported. */; readonly holdInput?: boolean } = {},
): Promise<Outcome> {
  return new Promise((resolve) => {
    const { NODE_OPTIONS: _, NODE_TEST_CONTEXT: __, ...env } = process.env;
    const child = spawn(process.execPath, args, { cwd: root, env, timeout: 25_000 });
    let output = '';
    let errors = '';
    child.stdout.on('data', (text) => {
      output += text;
      if (holdInput && output.includes('RESULT {')) child.stdin.end();
    });
    child.stderr.on('data', (text) => (errors += text));
    child.on('close', (code) => {
      const found = /RESULT (\{.*\})/.exec(output)?.[1];
      if (found === undefined) errors += output;
      resolve({ code, output, errors, result: found === undefined ? { failed: errors } : JSON.parse(found) });
    });
    child.stdin.write(input ?? '');
    if (!holdInput) child.stdin.end();
  });
}

describe('a program whose entry script has side effects', () => {
  const entries = (output: string): string[] => output.split('\n').filter((line) => line.startsWith('ENTRY'));

  it('runs once as an ES module', async () => {
    const { output, errors, result } = await node([join(fixtures, 'entry.mjs')]);
    expect(result).toEqual({
      own: 42,
      inline: 43,
      namespace: 6,
      preset: 101,
      builtin: 'a/b',
      reaching: 84,
      reachingItself: 86,
      factory: 16,
      meta: true,
      dynamic: 8,
    });
    expect(entries(output)).toEqual(['ENTRY main=true']);
    expect(errors).toBe(''); // no warning of ours or of Node's
  });

  it('runs once as CommonJS', async () => {
    const { output, errors, result } = await node([join(fixtures, 'entry.cjs')]);
    expect(result).toEqual({
      own: 42,
      inline: 3,
      builtin: 'functiona/b',
      classes: 3,
      names: [true, true, 'function'],
      reaching: 84,
      exported: 'function',
      dynamic: 8,
      elsewhere: true,
      half: 2,
    });
    expect(entries(output)).toEqual(['ENTRY main=true']);
    expect(errors).toBe('');
  });

  it('runs once when it is named without its ending, or by a directory', async () => {
    const place = mkdtempSync(join(folder, 'program-'));
    const program = `const { isMainThread } = require('node:worker_threads'); console.log('ENTRY main=' + isMainThread);
      exports.own = (x) => x + 1; if (isMainThread) import(${JSON.stringify(runUrl)}).then(async ({ run, finish }) => finish({ own: await run(exports.own, 1) }))`;
    writeFileSync(join(place, 'index.js'), program);
    for (const name of [join(place, 'index'), place]) {
      const { output, result } = await node([name]);
      expect(result).toEqual({ own: 2 });
      expect(entries(output)).toEqual(['ENTRY main=true']);
    }
  });

  const typed = (kind: string, file: string) =>
    [
      [`${kind} under --import tsx`, ['--import', 'tsx', file]],
      [`${kind} under the tsx command`, [join(root, 'node_modules/tsx/dist/cli.mjs'), file]],
    ] as [string, string[]][];

  it.each(typed('TypeScript', join(fixtures, 'typed/entry.ts')))(
    'runs once without set-up, with its own lines in stacks: %s',
    async (_kind, args) => {
      const { output, result } = await node(args);
      expect(result).toMatchObject({ inline: 26, classes: 4, generic: 40, reference: 30 });
      expect(result.boom).toContain(`at boom (${join(fixtures, 'typed/entry.ts')}:27:9)`);
      expect(result.helperBoom).toContain(`at scaled (${join(fixtures, 'typed/helper.ts')}:8:27)`);
      expect(entries(output)).toEqual(['ENTRY main=true']);
    },
  );

  it.each(typed('CommonJS TypeScript', join(fixtures, 'typed-cjs/entry.cts')))('runs once without set-up: %s', async (_kind, args) => {
    const { output, result } = await node(args);
    expect(result).toEqual({ inline: 15, builtin: 'function', reference: 30 });
    expect(entries(output)).toEqual(['ENTRY main=true']);
  });
});

describe('other ways to run code', () => {
  it('node --test', async () => {
    const file = join(folder, 'travel.test.mjs');
    writeFileSync(
      file,
      `import test from 'node:test'; import assert from 'node:assert'; import { finish, run } from ${JSON.stringify(runUrl)};
      const k = 5; const helper = (x) => x * k;
      test('travels', async () => { assert.equal(await run((x) => helper(x) + 1, 2), 11); await finish({}); });`,
    );
    const { code, errors } = await node(['--test', file]);
    expect([code, errors]).toEqual([0, '']);
  });

  it('node -e', async () => {
    const code = `const fs = require('fs'); const { join } = require('path'); const k = 5; let n = 1; function helper(x) { return x * k + n }
      import(${JSON.stringify(runUrl)}).then(async ({ run, finish }) => finish({ a: await run((x) => helper(x), 2), b: await run(() => typeof fs.readFileSync + join('a', 'b') + typeof require('os').cpus) }))`;
    expect((await node(['-e', code])).result).toEqual({ a: 11, b: 'functiona/bfunction' });
  });

  it('node --input-type=module -e', async () => {
    const code = `import os from 'node:os'; import { run, finish } from ${JSON.stringify(runUrl)}; import { double } from ${JSON.stringify(pathToFileURL(join(fixtures, 'helper.mjs')).href)};
      const k = 5; await finish({ a: await run((x) => double(x) * k + typeof os.cpus, 2) })`;
    expect((await node(['--input-type=module', '-e', code])).result).toEqual({ a: '20function' });
  });

  it('standard input', async () => {
    const input = `const k = 5; import(${JSON.stringify(runUrl)}).then(async ({ run, finish }) => finish({ a: await run((x) => x * k, 2) }))`;
    expect((await node(['-'], { input })).result).toEqual({ a: 10 });
  });

  it('the REPL', async () => {
    const input = `const k = 5\nlet l = 6\nfunction helper(x) { return x * k + l }\nvar own = { a: 1 }\nimport(${JSON.stringify(runUrl)}).then(async ({ run, finish }) => finish({ a: await run((x) => helper(x) + own.a, 2) }))\n`;
    expect((await node(['-i'], { input, holdInput: true })).result).toEqual({ a: 17 });
  });

  it('a directory of another name, where keys stay the same', async () => {
    const program = `import { tokenize } from ${JSON.stringify(pathToFileURL(join(root, 'dist/graph/index.js')).href)}; import { value } from './local.mjs';
      const k = 3; class A { m() { return k } } const fn = (x) => x + value + new A().m(); console.log('RESULT ' + JSON.stringify({ token: tokenize(fn) }))`;
    const tokens: unknown[] = [];
    for (const value of [1, 1, 2]) {
      const place = mkdtempSync(join(folder, 'place-'));
      writeFileSync(join(place, 'main.mjs'), program);
      writeFileSync(join(place, 'local.mjs'), `export const value = ${value};`);
      tokens.push((await node([join(place, 'main.mjs')])).result.token);
    }
    expect(tokens[0]).toMatch(/^[0-9a-f]{32}$/);
    expect(tokens[1]).toBe(tokens[0]);
    expect(tokens[2]).not.toBe(tokens[0]);
  });

  it('the permission model, where only references travel', async () => {
    const flag = Number.parseInt(process.versions.node, 10) >= 24 ? '--permission' : '--experimental-permission';
    const program = `const { half } = require(${JSON.stringify(join(fixtures, 'helper.cjs'))});
      import(${JSON.stringify(pathToFileURL(join(root, 'dist/graph/index.js')).href)}).then(({ capture }) => {
        capture(half, { label: 'half' }).payload; capture(Math.max, { label: 'max' }).payload;
        try { capture(() => 1, { label: 'inline' }) } catch ({ code, message }) { console.log('RESULT ' + JSON.stringify({ code, message })) } })`;
    const file = join(folder, 'permission.cjs');
    writeFileSync(file, program);
    const { result } = await node([flag, '--no-warnings', '--allow-fs-read=/', '--allow-fs-read=*', file]);
    expect(result.code).toBe('ERR_CAPTURE');
    expect(result.message).toMatch(
      /the permission model \(--permission\) refuses the inspector; use functions that a CommonJS module exports/,
    );
  });

  it('the debugger is never left on, and nothing heavy is loaded before it is needed', async () => {
    const program = `const before = process.moduleLoadList.length; const { capture } = await import(${JSON.stringify(pathToFileURL(join(root, 'dist/graph/index.js')).href)});
      const loaded = process.moduleLoadList.slice(before).filter((name) => /inspector|http/.test(name)); const { createRequire } = await import('node:module');
      const acorn = Object.keys(createRequire(import.meta.url).cache).some((file) => file.includes('acorn'));
      const posts = []; const { Session } = await import('node:inspector'); const { post } = Session.prototype; Session.prototype.post = function (method, ...rest) { posts.push(method); return Reflect.apply(post, this, [method, ...rest]) };
      const other = await import('node:url'); capture(() => [other.pathToFileURL, 1], { label: 'x' }); capture(new Function('return 1'), { label: 'y' });
      console.log('RESULT ' + JSON.stringify({ loaded, acorn, enabled: posts.filter((m) => m === 'Debugger.enable').length - posts.filter((m) => m === 'Debugger.disable').length, asked: posts.length > 0 }))`;
    const file = join(folder, 'light.mjs');
    writeFileSync(file, program);
    expect((await node([file])).result).toEqual({ loaded: [], acorn: false, enabled: 0, asked: true });
  });
});
