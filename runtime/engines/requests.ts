import type { FromWorker } from '../worker/protocol.ts';

/** Questions to workers that wait for their answers. */
export class Requests {
  readonly #waiting = new Map<
    number,
    { readonly worker: number; readonly resolve: (message: FromWorker) => void; readonly reject: (error: Error) => void }
  >();
  #next = 0;

  get size(): number {
    return this.#waiting.size;
  }

  /** Asks a worker; `post` gets the number that the answer must carry. */
  ask(worker: number, post: (request: number) => void): Promise<FromWorker> {
    const request = this.#next++;
    return new Promise((resolve, reject) => {
      this.#waiting.set(request, { worker, resolve, reject });
      post(request);
    });
  }

  answer(request: number, message: FromWorker): void {
    this.#waiting.get(request)?.resolve(message);
    this.#waiting.delete(request);
  }

  /** Nobody will answer for a worker, or, without one, at all. */
  fail(error: Error, worker?: number): void {
    for (const [request, waiting] of this.#waiting) {
      if (worker !== undefined && waiting.worker !== worker) continue;
      this.#waiting.delete(request);
      waiting.reject(error);
    }
  }
}
