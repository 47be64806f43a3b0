import { Socket } from 'node:net';
import { Worker } from 'node:worker_threads';
import { builtRoot } from '../built-root.ts';
import type { FromThread, ToThread } from './thread-messages.ts';
import { type Blob, type Frame, FrameReader, type Header, writeFrame } from './wire.ts';

/**
 * A Dask worker's Node: as many threads as the worker has, one socket to the worker's process for all of them. This thread only passes messages on (bytes move,
 * they are not copied), so it always answers: it ends threads that do not stop, and ends itself with its worker.
 */
const settings = JSON.parse(process.argv[2] ?? '{}') as {
  readonly threads: number;
  readonly worker: string;
  readonly cwd: string;
  readonly heap: number | null;
  readonly fd: number;
};

interface Member {
  readonly worker: Worker;
  /** Calls that run here. */
  readonly calls: Set<number>;
  /** Those among them that wait for tasks of their own. */
  readonly seceded: Set<number>;
}

const socket = new Socket({ fd: settings.fd, readable: true, writable: true });
const members: Member[] = [];
const memberOf = new Map<number, number>();
const code = new Map<string, Blob>();
const asked = new Map<string, Set<number>>();

const send = (header: Header, blobs: readonly Blob[] = []): void => void writeFrame(socket, header, blobs);

function post(index: number, message: ToThread, blobs: readonly Blob[] = []): void {
  members[index]?.worker.postMessage(
    message,
    blobs.map(({ body }) => body.buffer as ArrayBuffer),
  );
}

function start(index: number): void {
  const worker = new Worker(new URL('runtime/dask/thread.js', builtRoot), {
    workerData: { name: settings.worker, index, cwd: settings.cwd },
    name: `${settings.worker}/${index}`,
    ...(settings.heap === null ? {} : { resourceLimits: { maxOldGenerationSizeMb: settings.heap } }),
  });
  const member: Member = { worker, calls: new Set(), seceded: new Set() };
  members[index] = member;
  let cause = '';
  worker.on('message', (message: FromThread) => receive(index, member, message));
  worker.on('error', (error) => {
    cause = error instanceof Error ? error.message : String(error);
  });
  worker.on('exit', () => {
    if (members[index] !== member) return;
    leave(index, member, { op: 'died', status: null, log: cause });
    start(index);
  });
}

/** A thread is gone: whoever waits for its calls hears of it. */
function leave(index: number, member: Member, header: Header): void {
  for (const id of member.calls) {
    memberOf.delete(id);
    send({ ...header, id });
  }
  for (const waiting of asked.values()) waiting.delete(index);
  send({ op: 'gone', thread: index });
}

function receive(index: number, member: Member, message: FromThread): void {
  switch (message.op) {
    case 'need':
      return need(index, message.digests);
    case 'secede':
      member.seceded.add(message.id);
      return send({ op: 'secede', id: message.id });
    case 'link':
      return send({ op: 'link', thread: index, header: message.header }, message.blobs);
    case 'done':
    case 'failed':
      member.calls.delete(message.id);
      member.seceded.delete(message.id);
      memberOf.delete(message.id);
      return send(
        message.op === 'done' ? { op: 'done', id: message.id } : { op: 'failed', id: message.id, info: message.info },
        message.blobs,
      );
    default:
      message satisfies never;
  }
}

function need(index: number, digests: readonly string[]): void {
  const unknown: string[] = [];
  for (const digest of digests) {
    const known = code.get(digest);
    if (known !== undefined) {
      post(index, { op: 'code', digest, blob: known });
      continue;
    }
    const waiting = asked.get(digest);
    if (waiting === undefined) {
      asked.set(digest, new Set([index]));
      unknown.push(digest);
    } else waiting.add(index);
  }
  if (unknown.length > 0) send({ op: 'need', digests: unknown });
}

/** The thread with the fewest calls that are not waiting for others. */
function idlest(): number {
  const load = ({ calls, seceded }: Member): number => calls.size - seceded.size;
  let best = 0;
  for (let i = 1; i < members.length; i++) if (load(members[i]!) < load(members[best]!)) best = i;
  return best;
}

function take({ header, blobs }: Frame): void {
  const id = header.id as number;
  switch (header.op) {
    case 'run':
    case 'call': {
      const index = idlest();
      members[index]!.calls.add(id);
      memberOf.set(id, index);
      post(index, header.op === 'run' ? { op: 'run', id, attempt: header.attempt as number, blobs } : { op: 'call', id, blobs }, blobs);
      return;
    }
    case 'stop': {
      const index = memberOf.get(id);
      if (index !== undefined) post(index, { op: 'stop', id, why: header.why as string });
      return;
    }
    case 'end': {
      const index = memberOf.get(id);
      if (index === undefined) return;
      const member = members[index]!;
      start(index);
      leave(index, member, { op: 'ended' });
      return void member.worker.terminate();
    }
    case 'code': {
      const digest = header.digest as string;
      const waiting = asked.get(digest) ?? new Set<number>();
      asked.delete(digest);
      const [blob] = blobs;
      if (blob !== undefined) code.set(digest, blob);
      for (const index of waiting) post(index, { op: 'code', digest, blob });
      return;
    }
    case 'link':
      return post(header.thread as number, { op: 'link', header: header.header as Header, blobs }, blobs);
    default:
      throw new Error(`the sidecar knows no message ${header.op}`);
  }
}

const reader = new FrameReader(take);
socket.on('data', (chunk: Buffer) => reader.push(chunk));
socket.on('end', () => process.exit(0));
socket.on('error', () => process.exit(0));
process.stdin.on('end', () => process.exit(0)).resume();
for (let index = 0; index < settings.threads; index++) start(index);
