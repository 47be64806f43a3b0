/**
 * Makes the JavaScript of the package: a few files instead of some 150, because each module costs a process, and each of its workers, time to load.
 * What must be found by name stays a file of its own: the doors, the worker's entry, and the modules that tasks name.
 */
import { readdirSync, rmSync } from 'node:fs';
import { basename } from 'node:path';
import { build } from 'esbuild';

const doors = ['src/index.ts', 'src/hdfs.ts', 'graph/index.ts', 'runtime/index.ts', 'src/cli/main.ts'];
const namedByTasks = [
  'runtime/worker/main.ts',
  'runtime/worker/process.ts',
  'graph/operations.ts',
  'src/storage/read-block.ts',
  'src/storage/write-block.ts',
  'src/storage/file.ts',
  'src/storage/hdfs/hdfs.ts',
  'src/cli/bench-tasks.ts',
];

const { metafile } = await build({
  metafile: true,
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

// The chunks of builds before: after the new ones are there, so that whoever imports meanwhile finds one or the other.
const made = new Set(Object.keys(metafile.outputs).map((path) => basename(path)));
for (const name of readdirSync('dist/chunks')) if (!made.has(name)) rmSync(`dist/chunks/${name}`);
