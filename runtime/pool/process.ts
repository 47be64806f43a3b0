import { type ChildProcess, spawn } from 'node:child_process';
import type { Duplex, Readable } from 'node:stream';
import { StringDecoder } from 'node:string_decoder';
import { fileURLToPath } from 'node:url';
import type { ResourceLimits } from 'node:worker_threads';
import { builtRoot } from '../built-root.ts';
import type { FromWorker } from '../worker/protocol.ts';
import { flagsForProcesses } from './flags.ts';
import { Frames } from './frames.ts';
import { heapLimitMb, outOfMemory } from './heap-watch.ts';
import { SocketFolder } from './socket-folder.ts';
import type { StartWorker } from './transport.ts';

/**
 * A way to start worker processes. Neither an abort nor a native crash takes more than one of them.
 *
 *     caller ──descriptor 3: frames, both ways──▶ worker ──socket in a private folder──▶ other workers
 *            ──descriptor 4: closes with the caller──▶
 *            ◀── what it writes to stdout and stderr past heddle ──
 */
export function processStarter(options: {
  readonly env: NodeJS.ProcessEnv | undefined;
  readonly resourceLimits: ResourceLimits | undefined;
}): StartWorker {
  const sockets = new SocketFolder();
  return (settings, receive, gone) => {
    const { folder, address, done } = sockets.enter();
    const child = spawn(
      process.execPath,
      [
        ...flagsForProcesses(process.execArgv, options.resourceLimits),
        fileURLToPath(new URL('runtime/worker/process.js', builtRoot)),
        folder,
        address,
      ],
      { stdio: ['ignore', 'pipe', 'pipe', 'pipe', 'pipe'], env: options.env ?? process.env, windowsHide: true },
    );
    const channel = child.stdio[3] as Duplex;
    const frames = new Frames(channel, (message) => receive(message as FromWorker));
    const lifeline = child.stdio[4] as Duplex;
    lifeline.on('error', () => {});
    for (const stream of ['stdout', 'stderr'] as const)
      passOn(child[stream]!, (text) => receive({ kind: 'console', key: undefined, stream, text }));
    const held = [child.stdout!, child.stderr!, channel, lifeline] as unknown as { ref(): void; unref(): void }[];
    for (const stream of held) stream.unref();
    child.unref();
    let isFull = false;
    child.stderr!.on('data', (chunk: Buffer) => {
      if (chunk.includes('heap out of memory') || chunk.includes('Reached heap limit')) isFull = true;
    });
    const ended = endOf(child, channel).then((end) => {
      const cause = isFull ? outOfMemory(heapLimitMb(options.resourceLimits), end.message) : end;
      done();
      for (const stream of [child.stdout!, child.stderr!, channel, lifeline]) stream.destroy();
      gone(cause);
    });
    frames.post(settings);
    return {
      address,
      post: (message, transfer) => frames.post(message, transfer),
      meet: (own, other, index) => {
        frames.post({ kind: 'peer', worker: index, way: other.address! });
        other.post({ kind: 'peer', worker: own, way: address });
      },
      setBusy: (isBusy) => {
        for (const one of [child, channel as unknown as ChildProcess]) isBusy ? one.ref() : one.unref();
      },
      terminate: async () => {
        child.ref();
        child.kill('SIGKILL');
        await ended;
      },
    };
  };
}

/** What is written past heddle, such as the last words of V8. */
function passOn(stream: Readable, write: (text: string) => void): void {
  const decoder = new StringDecoder('utf8');
  stream.on('data', (chunk: Buffer) => write(decoder.write(chunk)));
  stream.on('error', () => {});
}

/** Resolves with what a process ended of, when all that it said has come. */
function endOf(child: ChildProcess, channel: Duplex): Promise<Error> {
  const drained = Promise.all([channel, child.stderr!].map((stream) => new Promise((resolve) => stream.once('close', resolve))));
  return new Promise((resolve) => {
    child.once('error', resolve);
    child.once('exit', (code, signal) => {
      const cause = new Error(`the worker process ended ${signal === null ? `with exit code ${code}` : `by ${signal}`}`);
      // a process that the worker started may hold its stderr open: then nobody waits for that to end
      const limit = setTimeout(() => resolve(cause), 200);
      void drained.then(() => {
        clearTimeout(limit);
        resolve(cause);
      });
    });
  });
}
