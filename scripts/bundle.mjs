/**
 * Makes the JavaScript of the package: a few files instead of some 300, because each module costs a process, and each of its workers, time to load.
 * What must be found by name stays a file of its own: the doors, the worker's entry, and the modules that tasks name.
 */
import { copyFileSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { build } from 'esbuild';

const doors = ['src/index.ts', 'src/hdfs.ts', 'src/s3.ts', 'graph/index.ts', 'runtime/index.ts', 'src/cli/main.ts'];
const namedByTasks = [
  'runtime/worker/main.ts',
  'runtime/worker/process.ts',
  'graph/operations.ts',
  'src/storage/read-block.ts',
  'src/storage/write-block.ts',
  'src/storage/file.ts',
  'src/storage/s3/s3.ts',
  'src/storage/http/http.ts',
  'src/storage/hdfs/hdfs.ts',
  'src/cli/bench-tasks.ts',
];

const common = {
  metafile: true,
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node20.12',
  outbase: '.',
  chunkNames: 'chunks/[name]-[hash]',
  logLevel: 'warning',
};

// The chunks of builds before: after the new ones are there, so that whoever imports meanwhile finds one or the other.
const dropOldChunks = ({ outputs }, folder) => {
  const made = new Set(Object.keys(outputs).map((path) => basename(path)));
  for (const name of readdirSync(`${folder}/chunks`)) if (!made.has(name)) rmSync(`${folder}/chunks/${name}`);
};

const { metafile } = await build({
  ...common,
  entryPoints: [...doors, ...namedByTasks],
  packages: 'external',
  sourcemap: true,
  outdir: 'dist',
});
dropOldChunks(metafile, 'dist');

// What travels to the workers of a Dask cluster, where nothing of heddle is installed: its small dependencies are in it; large ones come from there.
const largePackages = ['@aws-sdk/*', '@smithy/*', '@hpcc-js/*', '@dagrejs/*', 'undici', 'commander', 'webhdfs'];
const forClusters = ['runtime/dask/sidecar.ts', 'runtime/dask/thread.ts'];
const cluster = await build({
  ...common,
  entryPoints: [
    ...doors.filter((door) => !door.includes('/cli/')),
    ...namedByTasks.filter((one) => !one.startsWith('runtime/worker/')),
    ...forClusters,
  ],
  external: largePackages,
  minify: true,
  keepNames: true,
  outdir: 'dist/cluster',
  // CommonJS packages inside ask for `require`
  banner: { js: "import{createRequire as heddleRequire}from'node:module';const require=heddleRequire(import.meta.url);" },
});
dropOldChunks(cluster.metafile, 'dist/cluster');
// Those that are loaded by `require` at first use must be found by it.
for (const required of ['acorn', 'object-hash', '@jridgewell/trace-mapping']) {
  const outfile = `dist/cluster/node_modules/${required}/index.cjs`;
  await build({
    bundle: true,
    minify: true,
    platform: 'node',
    target: 'node20.12',
    format: 'cjs',
    stdin: { contents: `module.exports=require('${required}')`, resolveDir: '.' },
    outfile,
  });
  writeFileSync(`${dirname(outfile)}/package.json`, '{"main":"index.cjs"}');
}
for (const script of ['runtime/dask/bridge.py', 'runtime/dask/heddle_dask.py', 'runtime/dask/local_cluster.py']) {
  mkdirSync(dirname(`dist/${script}`), { recursive: true });
  copyFileSync(script, `dist/${script}`);
}
