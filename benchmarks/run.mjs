import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { availableParallelism, cpus, loadavg, release, totalmem } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { removeFiles } from './files.mjs';
import { runTable } from './harness.mjs';
import { asMarkdown, asText, machineAsMarkdown, machineAsText } from './report.mjs';

/** `npm run bench -- [case …] [options]`: see README.md. */

const here = new URL('./', import.meta.url);
const order = ['keys', 'compile', 'noop', 'load', 'roundtrip', 'read-discard', 'read-keep', 'word-count', 'memory-flat', 'hdfs', 'start'];

const usage = `npm run bench -- [case …] [options]
  cases: ${order.join(', ')} (all)
  --rounds N    measured rounds of each contestant (5; with --quick 3)
  --quick       small sizes: shows that all works, not how fast it is
  --markdown    prints the tables for README.md
  --clean       removes the generated files and ends`;

function readOptions() {
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: {
        rounds: { type: 'string' },
        quick: { type: 'boolean', default: false },
        markdown: { type: 'boolean', default: false },
        clean: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    });
    const rounds = values.rounds === undefined ? (values.quick ? 3 : 5) : Number(values.rounds);
    if (!Number.isInteger(rounds) || rounds < 1) throw new Error(`--rounds takes a whole number from 1; it was given ${values.rounds}`);
    const unknown = positionals.find((name) => !order.includes(name));
    if (unknown !== undefined) throw new Error(`no case ${unknown}`);
    return { ...values, rounds, names: positionals.length === 0 ? order : order.filter((name) => positionals.includes(name)) };
  } catch (error) {
    console.error(`${error.message}\n\n${usage}`);
    process.exit(2);
  }
}

/** Installs the peers when they are not there in the versions of the lockfile. Gives name and version of each. */
function installPeers() {
  const { dependencies } = JSON.parse(readFileSync(new URL('package.json', here), 'utf8'));
  const versionOf = (name) => {
    try {
      return JSON.parse(readFileSync(new URL(`node_modules/${name}/package.json`, here), 'utf8')).version;
    } catch {
      return undefined; // not installed
    }
  };
  const isMissing = () => Object.entries(dependencies).some(([name, version]) => versionOf(name) !== version);
  if (isMissing()) {
    const { status } = spawnSync('npm', ['ci', '--no-audit', '--no-fund', '--ignore-scripts'], {
      cwd: fileURLToPath(here),
      stdio: ['ignore', 'ignore', 'inherit'],
      shell: process.platform === 'win32',
    });
    if (status !== 0 || isMissing()) {
      console.error('the peers could not be installed; see above, and try `npm ci` in benchmarks/');
      process.exit(1);
    }
  }
  return Object.keys(dependencies).map((name) => `${name} ${versionOf(name)}`);
}

function machine(peers) {
  return {
    date: new Date().toISOString().slice(0, 10),
    processor: `${cpus()[0]?.model.trim() ?? 'unknown processor'}, ${availableParallelism()} threads, ${Math.round(totalmem() / 1024 ** 3)} GiB`,
    system: `${process.platform} ${release()}, Node ${process.version}`,
    peers,
    load: loadavg()[0],
  };
}

/** A line that is overwritten, on a terminal; nothing elsewhere. */
function progress(text) {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[2K${text.slice(0, (process.stderr.columns ?? 80) - 1)}`);
}

const { names, rounds, quick, markdown, clean, help } = readOptions();
if (help) {
  console.log(usage);
} else if (clean) {
  await removeFiles();
} else {
  const about = machine(installPeers());
  console.log(markdown ? machineAsMarkdown(about) : machineAsText(about));
  if (about.load > availableParallelism() / 2) console.log(`the machine is busy (load ${about.load.toFixed(1)}): these figures say little`);
  if (quick) console.log('--quick: these figures say little');
  const missed = [];
  for (const name of names) {
    const file = new URL(`cases/${name}.mjs`, here).href;
    const { default: suite } = await import(file);
    progress(`${name}: preparing`);
    try {
      for (const table of await suite.tables(quick)) {
        const result = await runTable(file, table, { rounds, budgetMs: quick ? 12_000 : 100_000, onProgress: progress });
        progress('');
        console.log(`\n${markdown ? asMarkdown(result) : asText(result)}`);
        missed.push(...result.marks.filter((mark) => !mark.isReached).map((mark) => `${result.title}: ${mark.text} (${mark.value})`));
      }
    } finally {
      await suite.close?.();
    }
  }
  if (missed.length > 0 && !quick) console.log(`\nnot reached:\n${missed.map((line) => `  ${line}`).join('\n')}`);
}
