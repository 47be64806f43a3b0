import { readFileSync } from 'node:fs';

/** The package's version, from its package.json. */
export function packageVersion(): string {
  // dist/src/cli/ and src/cli/ lie at different depths
  for (const up of ['../../../package.json', '../../package.json']) {
    try {
      const found = JSON.parse(readFileSync(new URL(up, import.meta.url), 'utf8')) as { name?: unknown; version?: unknown };
      if (found.name === 'heddle' && typeof found.version === 'string') return found.version;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
  }
  return 'unknown';
}
