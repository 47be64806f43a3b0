/**
 * `npm run services [-- name …]`: starts the servers that tests use, says how to reach them, and ends them when it is interrupted.
 */
import { once } from 'node:events';
import { startHadoop } from './hadoop.ts';

/** A server that runs. */
interface Running {
  /** What to set or call to reach it, line by line. */
  readonly say: readonly string[];
  stop(): Promise<void>;
}

/** Every server, by name: one line each. */
const services: Readonly<Record<string, () => Promise<Running>>> = {
  hdfs: hdfs,
};

async function hdfs(): Promise<Running> {
  const hadoop = await startHadoop();
  return {
    say: [
      `NameNode     http://${hadoop.nameNode}`,
      `DataNodes    ${hadoop.dataHosts.join(', ')}`,
      `environment  export HADOOP_USER_NAME=${hadoop.superuser}`,
      `try          readBytes('${hadoop.url('/')}**'), or with heddle/hdfs: readBytes('/**', { nameNodes: '${hadoop.nameNode}' })`,
    ],
    stop: () => hadoop.stop(),
  };
}

const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !Object.hasOwn(services, name));
if (unknown.length > 0) {
  console.error(`no service ${unknown.join(', ')} (known: ${Object.keys(services).join(', ')})`);
  process.exit(2);
}
const interrupted = Promise.race(['SIGINT', 'SIGTERM', 'SIGHUP'].map((signal) => once(process, signal)));
const running: Running[] = [];
try {
  for (const [name, start] of Object.entries(services)) {
    if (wanted.length > 0 && !wanted.includes(name)) continue;
    console.log(`${name}: starting`);
    const one = await Promise.race([start(), interrupted.then(() => undefined)]);
    if (one === undefined) process.exit(130);
    running.push(one);
    for (const line of one.say) console.log(`  ${line}`);
  }
  console.log('running; Ctrl-C ends them');
  const alive = setInterval(() => {}, 60_000);
  await interrupted;
  clearInterval(alive);
} finally {
  await Promise.all(running.map((one) => one.stop()));
}
