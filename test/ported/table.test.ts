import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const rows = [...readFileSync(path('test/ported.md'), 'utf8').matchAll(/^\| `(\w+)` \| (.*) \|$/gm)].map(([, name, ours]) => ({
  name: name!,
  ours: ours!,
}));

function path(inPackage: string): string {
  return fileURLToPath(new URL(`../../${inPackage}`, import.meta.url));
}

describe('the table of tests that were ported', () => {
  it('has each test of theirs once, with one of ours or a reason', () => {
    expect(rows.length).toBeGreaterThan(500);
    expect(new Set(rows.map(({ name }) => name)).size).toBe(rows.length);
    expect(rows.filter(({ ours }) => !/^(no: .{10}|[\w./-]+: ")/.test(ours))).toEqual([]);
  });

  it('names only tests that exist', () => {
    const texts = new Map<string, string>();
    const missing: string[] = [];
    for (const { name, ours } of rows) {
      if (ours.startsWith('no: ')) continue;
      for (const one of ours.split('<br>')) {
        const [, file, title] = /^([\w./-]+): "(.*)"$/.exec(one) ?? [];
        const at = path(file?.includes('/') ? file : `test/ported/${file}.test.ts`);
        if (!texts.has(at)) texts.set(at, existsSync(at) ? readFileSync(at, 'utf8') : '');
        const quoted = [`'${title}'`, `"${title}"`, `'${title?.replaceAll("'", "\\'")}'`];
        if (!quoted.some((text) => texts.get(at)!.includes(`${text}, `))) missing.push(`${name}: ${one}`);
      }
    }
    expect(missing).toEqual([]);
  });
});
