/**
 * Makes the JavaScript of the package: a few files instead of some 150, because each module costs a process, and each of its workers, about a third of
 * a millisecond to load. What must be found by name stays a file of its own: the doors, the worker's entry, and the modules that tasks name.
 */
import { rmSync } from 'node:fs';
import { build } from 'esbuild';

const doors = ['src/index.ts', 'graph/index.ts', 'runtime/index.ts', 'src/cli/main.ts'];
const namedByTasks = [
  'runtime/worker/main.ts',
  'graph/operations.ts',
  'src/storage/read-block.ts',
  'src/storage/write-block.ts',
  'src/storage/file.ts',
  'src/cli/bench-tasks.ts',
];

rmSync('dist/chunks', { recursive: true, force: true });
await build({
  entryPoints: [...doors, ...namedByTasks],
  bundle: true,
  splitting: true,
  packages: 'external',
  format: 'esm',
  platform: 'node',
  target: 'node20.12',
  sourcemap: true,
  outdir: 'dist',
  outbase: '.',
  chunkNames: 'chunks/[name]-[hash]',
  logLevel: 'warning',
});
