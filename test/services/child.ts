import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** A server that runs beside the tests. */
export interface Child {
  readonly process: ChildProcess;
  /** Ends it and waits for its end. */
  stop(): Promise<void>;
}

/** Ends the server when the pipe from its parent closes: also when the parent was killed. */
const guard = '"$@" </dev/null & server=$!; cat >/dev/null; kill -9 $server 2>/dev/null; wait $server 2>/dev/null';

/** Starts a server and waits until `isReady` says so; what it printed comes with the error when it never is. */
export async function startChild(
  command: string,
  args: readonly string[],
  options: { readonly env?: NodeJS.ProcessEnv; readonly isReady: () => Promise<boolean>; readonly deadlineMs?: number },
): Promise<Child> {
  const child = spawn('sh', ['-c', guard, 'sh', command, ...args], {
    env: { ...process.env, ...options.env },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  let said = '';
  const listen = (text: string): void => {
    said = (said + text).slice(-4000);
  };
  child.stdout.setEncoding('utf8').on('data', listen);
  child.stderr.setEncoding('utf8').on('data', listen);
  child.stdin.on('error', () => {});
  const stop = async (): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.stdin.end();
    await ended;
  };
  const deadline = Date.now() + (options.deadlineMs ?? 20_000);
  while (!(await options.isReady().catch(() => false))) {
    if (Date.now() > deadline || child.exitCode !== null) {
      await stop();
      throw new Error(`${command} did not start: ${said.trim()}`);
    }
    await sleep(50);
  }
  return { process: child, stop };
}

/** A port of this machine that is free now. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}
