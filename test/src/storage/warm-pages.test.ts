import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const fixture = fileURLToPath(new URL('../../fixtures/storage/page-faults.mjs', import.meta.url));
const report = process.report.getReport() as { readonly header: { readonly glibcVersionRuntime?: string } };
const isGlibc = report.header.glibcVersionRuntime !== undefined;

describe('memory of blocks', () => {
  // with another allocator nothing is promised, and nothing is broken
  (isGlibc ? it : it.skip)(
    'comes back with its pages: a block that was let go costs the next one no page faults',
    () => {
      const folder = mkdtempSync(join(tmpdir(), 'heddle-pages-'));
      try {
        const path = join(folder, 'holes');
        const size = 256 * 1024 ** 2;
        writeFileSync(path, '');
        truncateSync(path, size);
        const faultsPerPage = Number(execFileSync(process.execPath, [fixture, path, String(size)], { encoding: 'utf8', timeout: 60_000 }));
        expect(faultsPerPage).toBeLessThan(0.1);
      } finally {
        rmSync(folder, { recursive: true, force: true });
      }
    },
    90_000,
  );
});
