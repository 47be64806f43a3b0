import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { builtRoot } from '../built-root.ts';
import { type Blob, BlobKind } from './wire.ts';

let made: Blob | undefined;

/** Heddle's own code for workers, as the build made it (`dist/cluster`): nothing of it has to be installed there. */
export function workerBundle(): Blob {
  if (made !== undefined) return made;
  const root = fileURLToPath(new URL('cluster/', builtRoot));
  const files: Record<string, string> = { 'package.json': readFileSync(join(root, 'package.json'), 'utf8') };
  for (const path of readdirSync(root, { recursive: true, encoding: 'utf8' }).sort())
    if (path.endsWith('.js'))
      files[`dist/${relative(root, join(root, path)).split(sep).join('/')}`] = readFileSync(join(root, path), 'utf8');
  const { deflateSync } = createRequire(import.meta.url)('node:zlib') as typeof import('node:zlib');
  made = { kind: BlobKind.bytes, body: deflateSync(JSON.stringify(files)) };
  return made;
}
