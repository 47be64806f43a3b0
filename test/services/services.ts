/**
 * `npm run services [-- name …]`: starts the servers that tests use, says how to reach them, and ends them when it is interrupted.
 */
import { once } from 'node:events';
import { startHadoop } from './hadoop.ts';
import { startVersityGateway } from './s3-server.ts';

/** A server that runs. */
interface Running {
  /** What to set or call to reach it, line by line. */
  readonly say: readonly string[];
  stop(): Promise<void>;
}

/** Every server, by name: one line each. */
const services: Readonly<Record<string, () => Promise<Running>>> = {
  hdfs: hdfs,
  s3: s3,
};

async function s3(): Promise<Running> {
  const { endpoint, env, close } = await startVersityGateway();
  const exports = Object.entries({ ...env, AWS_ENDPOINT_URL_S3: endpoint, AWS_REGION: 'us-east-1' }).map(
    ([name, value]) => `${name}=${value}`,
  );
  return {
    say: [
      `server       ${endpoint}`,
      `environment  export ${exports.join(' ')}`,
      "try          writeBytes('s3://bucket/out/', parts) once the bucket is made, readBytes('s3://bucket/out/')",
    ],
    stop: close,
  };
}

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
const interrupted = Promise.race(['SIGINT', 'SIGTERM', 'SIGHUP'].map((signal) => once(process, signal))).then(() => 'interrupted' as const);
const started: Promise<Running>[] = [];
let isInterrupted = false;
try {
  for (const [name, start] of Object.entries(services)) {
    if (isInterrupted || (wanted.length > 0 && !wanted.includes(name))) continue;
    console.log(`${name}: starting`);
    const starting = start();
    started.push(starting);
    const one = await Promise.race([starting, interrupted]);
    if (one === 'interrupted') {
      isInterrupted = true;
      console.log(`${name}: ends as soon as it has started; Ctrl-C again leaves at once`);
    } else for (const line of one.say) console.log(`  ${line}`);
  }
  if (!isInterrupted) console.log('running; Ctrl-C ends them');
  const alive = setInterval(() => {}, 60_000);
  await interrupted;
  clearInterval(alive);
} finally {
  for (const one of await Promise.allSettled(started)) if (one.status === 'fulfilled') await one.value.stop();
}
