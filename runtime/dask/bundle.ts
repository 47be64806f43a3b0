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
  const { deflateSync } = createRequire(import.meta.url)('node:zlib') as typeof import('node:zlib');
  const { name, version } = JSON.parse(readFileSync(new URL('../package.json', builtRoot), 'utf8')) as {
    readonly name: string;
    readonly version: string;
  };
  const files: Record<string, string> = { 'package.json': JSON.stringify({ name, version, type: 'module' }) };
  for (const entry of readdirSync(root, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath ?? entry.path, entry.name);
    files[relative(root, path).split(sep).join('/')] = readFileSync(path, 'utf8');
  }
  made = { kind: BlobKind.bytes, body: deflateSync(JSON.stringify(files)) };
  return made;
}
