/**
 * How long it takes to bring bytes from one worker to another, as measured: Dask's `scheduler.bandwidth`. A moving average in which the newest
 * counts a quarter. Small moves say nothing of it, since a message takes its time whatever it carries.
 */
export class Bandwidth {
  #usPerByte = 0.001; // 1 GB/s, until measured

  /** A worker brought in so many bytes in so many microseconds. */
  record(bytes: number, us: number): void {
    if (bytes >= leastBytes && us > 0) this.#usPerByte = this.#usPerByte * 0.75 + (us / bytes) * 0.25;
  }

  /** Microseconds that a move of so many bytes takes. */
  moveUs(bytes: number): number {
    return messageUs + bytes * this.#usPerByte;
  }

  get bytesPerSecond(): number {
    return 1e6 / this.#usPerByte;
  }
}

const leastBytes = 65_536;
/** What any move costs. */
const messageUs = 100;
