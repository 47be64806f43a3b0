/**
 * Reads straight from a DataNode that holds the bytes: the NameNode says which, the nearest first. When one fails, another is asked, from the byte on that is missing.
 *
 *     NameNode: OPEN, offset 0   →   DataNode A ▓▓▓▓▓▓╳ breaks after 600 bytes
 *     NameNode: OPEN, offset 600, without A   →   DataNode B       ▓▓▓▓▓▓▓▓
 *
 * After the last read the file must still be the one that was listed: length, time of change and number of the file. So a file that was replaced in between is never mixed in.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { OpenFile, StorageCall, StoredFile } from '../storage.ts';
import { parseHdfs } from './address.ts';
import { type Cluster, clusterOf } from './cluster.ts';
import type { Answer } from './http.ts';
import { checkHdfsOptions } from './options.ts';
import { connectionText, hdfsError, isNotThere, RemoteError, remoteError } from './remote-error.ts';
import { checkSame, statusOf } from './status.ts';

/** Failures in a row, without a byte in between, until reading fails. */
const mostFailures = 6;

/** Opens a file for reads that belong together. */
export function open(file: StoredFile, { signal, storage }: StorageCall): OpenFile {
  const options = checkHdfsOptions(storage);
  const address = parseHdfs(file.path, options);
  const reader = new Reader(file, address.path, clusterOf(address, options), signal);
  return {
    read: (offset, into) => reader.read(offset, into),
    verify: () => reader.verify(),
    close: () => {},
  };
}

class Reader {
  readonly #file: StoredFile;
  readonly #path: string;
  readonly #cluster: Cluster;
  readonly #signal: AbortSignal | undefined;

  constructor(file: StoredFile, path: string, cluster: Cluster, signal: AbortSignal | undefined) {
    this.#file = file;
    this.#path = path;
    this.#cluster = cluster;
    this.#signal = signal;
  }

  async verify(): Promise<void> {
    try {
      checkSame(this.#file, await statusOf(this.#cluster, this.#path, this.#signal));
    } catch (error) {
      throw this.#inWords(error);
    }
  }

  async read(offset: number, into: Uint8Array): Promise<number> {
    const wanted = Math.min(into.length, this.#file.size! - offset);
    const failures: string[] = [];
    for (let done = 0, inARow = 0; done < wanted; ) {
      const { nbytes, failure } = await this.#try(offset + done, into.subarray(done, wanted));
      done += nbytes;
      if (done >= wanted) break;
      // Too few bytes may mean that the file is another one.
      await this.verify();
      inARow = nbytes > 0 ? 1 : inARow + 1;
      if (failure !== undefined && !failures.includes(failure)) failures.push(failure);
      if (inARow < mostFailures) continue;
      const said = failures.length === 0 ? 'the DataNodes send fewer bytes than there are' : failures.join('; ');
      throw this.#inWords(new RemoteError('', `no DataNode that holds the bytes from ${offset + done} on gives them (${said})`, 0));
    }
    return Math.max(0, wanted);
  }

  /** One attempt: bytes that came, and what failed. */
  async #try(offset: number, into: Uint8Array): Promise<{ readonly nbytes: number; readonly failure?: string }> {
    const cluster = this.#cluster;
    const excludedatanodes = await cluster.excluded();
    let answer: Answer;
    try {
      const params = { offset, length: into.length, noredirect: true, excludedatanodes };
      answer = await cluster.ask('OPEN', this.#path, params, { signal: this.#signal, into });
    } catch (error) {
      if (!(error instanceof RemoteError)) throw error;
      // Beyond its end, or gone: `verify` will tell.
      if (isNotThere(error) || /out of the range/.test(error.message)) return { nbytes: 0 };
      if (!/No active nodes/.test(error.message)) throw this.#inWords(error);
      cluster.trustAll();
      await delay(100);
      return { nbytes: 0, ...(excludedatanodes === undefined ? { failure: 'no DataNode that holds them is running' } : {}) };
    }
    // A gateway gives the bytes itself.
    if (answer.nbytes > 0) return this.#outcome(answer, undefined);
    const url = cluster.redirectOf(answer, this.#path);
    return this.#outcome(await cluster.download(url, into, this.#signal), new URL(url).hostname);
  }

  #outcome(answer: Answer, host: string | undefined): { readonly nbytes: number; readonly failure?: string } {
    const { nbytes, status, error } = answer;
    if (error === undefined && status >= 200 && status < 300) return { nbytes };
    if (host !== undefined) this.#cluster.suspect(host);
    const remote = error === undefined ? remoteError(answer) : undefined;
    if (remote?.exception === 'AccessControlException' || remote?.exception === 'InvalidToken') throw this.#inWords(remote);
    const said = remote === undefined ? connectionText(error) : `${remote.message.split('\n', 1)[0]}`;
    return { nbytes, failure: host === undefined ? said : `${host}: ${said}` };
  }

  #inWords(error: unknown): unknown {
    return error instanceof RemoteError ? hdfsError('read', this.#file.path, this.#cluster.who, error) : error;
  }
}

/** A read that stands alone. */
export async function read(file: StoredFile, offset: number, into: Uint8Array, call: StorageCall): Promise<number> {
  const opened = open(file, call);
  const nbytes = await opened.read(offset, into);
  await opened.verify();
  return nbytes;
}
