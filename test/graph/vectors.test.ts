import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);
const script = fileURLToPath(new URL('../vectors/verify.mjs', import.meta.url));
/** Other versions of Node to try: paths of their binaries, with the path delimiter between them. */
const others = (process.env.HEDDLE_NODES ?? '').split(':').filter((path) => path !== '');

describe('keys in other processes', () => {
  it.each([
    [process.execPath, {}],
    [process.execPath, { TZ: 'Asia/Kathmandu', LANG: 'tr_TR.UTF-8' }],
    ...others.map((path) => [path, {}] as const),
  ] as const)('are those of tokens.json with %s %j', async (node, env) => {
    const { stdout } = await run(node, [script], { cwd: tmpdir(), env: { ...process.env, ...env }, timeout: 20_000 });
    expect(stdout).toMatch(/: 4\d equal, 0 different/);
  });

  it('are all different', () => {
    const { tokens, keys } = JSON.parse(readFileSync(new URL('../vectors/tokens.json', import.meta.url), 'utf8')) as Record<
      'tokens' | 'keys',
      Record<string, string>
    >;
    const all = [...Object.values(tokens), ...Object.values(keys)];
    expect(new Set(all).size).toBe(all.length);
  });
});
