import type { ChildProcess } from 'node:child_process';
import { createRequire } from 'node:module';
import type { Socket } from 'node:net';
import { fileURLToPath } from 'node:url';
import { HeddleError } from '../../graph/index.ts';
import { builtRoot } from '../built-root.ts';
import { workerBundle } from './bundle.ts';
import { type ClusterWorker, type Link, type LinkListener, type OpenLink, parseWorkers } from './link.ts';
import type { FailureInfo } from './thread-messages.ts';
import { type ClusterVersions, checkNodeVersions, checkPythonVersions, type WorkerNode } from './versions.ts';
import { type Blob, type Frame, FrameReader, type Header, writeFrame } from './wire.ts';

/** Which cluster, and how to reach it. */
export interface BridgeOptions {
  /** `tcp://host:8786` or `tls://host:8786` */
  readonly address: string;
  readonly tls: { readonly ca: string; readonly cert: string; readonly key: string } | undefined;
  readonly timeoutMs: number;
  readonly python: string;
}

/** How long a bridge may take to end before it is killed. */
const longestEndMs = 5000;

/** A link to a scheduler by way of Python: a child process that ends when this one does. */
export function bridgeTo(options: BridgeOptions): OpenLink {
  return (listener) => new Bridge(options, listener);
}

class Bridge implements Link {
  readonly #options: BridgeOptions;
  readonly #listener: LinkListener;
  readonly #child: ChildProcess;
  readonly #pipe: Socket;
  readonly #ended: Promise<void>;
  readonly #timer: NodeJS.Timeout;
  /** Frames that wait for the pipe to drain: Python takes in no more than it can work on. */
  readonly #queue: { readonly header: Header; readonly blobs: readonly Blob[] }[] = [];
  #isFull = false;
  #hostnames = new Map<string, string>();
  #stderr = '';
  #isClosing = false;

  constructor(options: BridgeOptions, listener: LinkListener) {
    this.#options = options;
    this.#listener = listener;
    const script = fileURLToPath(new URL('runtime/dask/bridge.py', builtRoot));
    const { spawn } = createRequire(import.meta.url)('node:child_process') as typeof import('node:child_process'); // at first use: most programs need none
    this.#child = spawn(options.python, ['-X', 'utf8', script, options.address], { stdio: ['ignore', 'ignore', 'pipe', 'pipe'] });
    this.#pipe = this.#child.stdio[3] as Socket;
    const reader = new FrameReader((frame) => this.#take(frame));
    this.#pipe.on('data', (chunk: Buffer) => reader.push(chunk));
    this.#pipe.on('error', () => {}); // its end tells
    this.#pipe.on('drain', () => this.#drain());
    this.#child.stderr!.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr = (this.#stderr + text).slice(-4000);
    });
    this.#child.on('error', (error) =>
      this.#broken(`Python cannot be started (${error.message}); set option python to one with the package distributed`),
    );
    this.#ended = new Promise((resolve) => this.#child.once('close', () => resolve()));
    this.#child.once('exit', (code, signal) => {
      const why = this.#stderr.trim().split('\n').slice(-3).join(' ');
      this.#broken(`the bridge to the cluster ended (${signal ?? `code ${code}`})${why === '' ? '' : `: ${why}`}`);
    });
    this.#timer = setTimeout(() => this.#silent(), options.timeoutMs * 2 + 5000);
    this.#write({ op: 'connect', address: options.address, timeout: options.timeoutMs, ...(options.tls && { tls: options.tls }) });
    this.setBusy(false);
  }

  send(header: Header, blobs: readonly Blob[] = []): void {
    this.#write(header, blobs);
  }

  #write(header: Header, blobs: readonly Blob[] = []): void {
    if (this.#isClosing) return;
    if (this.#isFull) this.#queue.push({ header, blobs });
    else this.#isFull = !writeFrame(this.#pipe, header, blobs);
  }

  #drain(): void {
    this.#isFull = false;
    while (!this.#isFull && this.#queue.length > 0) {
      const { header, blobs } = this.#queue.shift()!;
      this.#isFull = !writeFrame(this.#pipe, header, blobs);
    }
  }

  #take(frame: Frame): void {
    if (this.#isClosing) return;
    const { header } = frame;
    try {
      switch (header.op) {
        case 'versions':
          checkPythonVersions(header.versions as ClusterVersions);
          return this.#write({ op: 'join' }, [workerBundle()]);
        case 'joined':
          clearTimeout(this.#timer);
          checkNodeVersions(header.nodes as Record<string, WorkerNode>);
          return this.#listener.ready(this.#workers(header));
        case 'workers':
          return this.#listener.workers(this.#workers(header));
        case 'fatal':
          return this.#fatal(header.info as FailureInfo);
        default:
          return this.#listener.frame(frame);
      }
    } catch (error) {
      this.#end(error as Error);
    }
  }

  #workers({ workers, nodes }: Header): ClusterWorker[] {
    for (const [address, { hostname }] of Object.entries((nodes ?? {}) as Record<string, WorkerNode>))
      this.#hostnames.set(address, hostname);
    return parseWorkers(workers, this.#hostnames);
  }

  #fatal({ kind, name, text }: FailureInfo): void {
    const { address, timeoutMs, python } = this.#options;
    if (kind === 'connect') this.#broken(`no Dask scheduler answers at ${address} within ${timeoutMs} ms (${name}: ${text})`);
    else if (kind === 'lost') this.#broken(`the Dask scheduler at ${address} is gone or answers no more (${name}: ${text})`);
    else if (name === 'ImportError')
      this.#broken(`${python} lacks what the bridge needs (${text}); install the package distributed there, or set option python`);
    else this.#broken(`the bridge to ${address} failed (${name}: ${text})`);
  }

  #silent(): void {
    this.#broken(`no Dask scheduler answers at ${this.#options.address} within ${this.#options.timeoutMs} ms`);
  }

  #broken(message: string): void {
    this.#end(new HeddleError('ERR_CLUSTER', message));
  }

  #end(error: Error): void {
    if (this.#isClosing) return;
    void this.close();
    this.#listener.broken(error);
  }

  setBusy(isBusy: boolean): void {
    for (const part of [this.#child, this.#pipe, this.#child.stderr as unknown as Socket]) {
      if (isBusy) part.ref();
      else part.unref();
    }
    if (isBusy) this.#timer.ref();
    else this.#timer.unref();
  }

  async close(): Promise<void> {
    if (!this.#isClosing) {
      this.#isClosing = true;
      clearTimeout(this.#timer);
      this.#queue.length = 0;
      this.#pipe.end();
    }
    if (this.#child.pid === undefined) return;
    this.setBusy(true);
    const kill = setTimeout(() => this.#child.kill('SIGKILL'), longestEndMs);
    await this.#ended;
    clearTimeout(kill);
  }
}
