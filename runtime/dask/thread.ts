import { parentPort, workerData } from 'node:worker_threads';
import { workerContext } from '../worker/context.ts';
import { guardWorker } from '../worker/guard.ts';
import { deserialize } from './data.ts';
import { linkedEngine } from './linked-engine.ts';
import { TaskRunner } from './task-runner.ts';
import type { FromThread, ToThread } from './thread-messages.ts';
import { BlobKind } from './wire.ts';

/** A thread of a sidecar: runs a Dask worker's tasks. */
const { name, cwd } = workerData as { readonly name: string; readonly cwd: string };
const port = parentPort!;

const post = (message: FromThread): void => {
  const blobs = 'blobs' in message ? message.blobs : [];
  const buffers = blobs.map(({ body }) => body.buffer as ArrayBuffer);
  port.postMessage(message, new Set(buffers).size === buffers.length && blobs.every(({ body }) => owns(body)) ? buffers : []);
};
const runner = new TaskRunner({ worker: name, cwd, post });
const parent = linkedEngine(post, () => runner.currentCall());
workerContext.isWorker = true;
workerContext.parent = parent.engine;

guardWorker((error) => runner.stray(error));
port.on('message', (message: ToThread) => {
  switch (message.op) {
    case 'run':
      return void runner.run(message.id, message.attempt, message.blobs);
    case 'call':
      return void runner.call(message.id, message.blobs);
    case 'stop':
      return runner.stop(message.id, message.why);
    case 'code':
      return runner.took(message.digest, message.blob?.kind === BlobKind.captured ? deserialize(message.blob.body) : undefined);
    case 'link':
      return parent.receive(message);
    default:
      message satisfies never;
  }
});

function owns(body: Uint8Array): boolean {
  return (
    body.byteOffset === 0 &&
    body.byteLength === body.buffer.byteLength &&
    Object.prototype.toString.call(body.buffer) === '[object ArrayBuffer]'
  );
}
