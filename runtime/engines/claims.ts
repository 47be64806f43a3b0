import { claimSlots } from '../worker/protocol.ts';

/**
 * Who has a task that was sent: its worker, once it begins it, or the shell, once it takes it back. Both write into shared memory, so a task can be taken
 * back from a thread that is in the middle of another one and reads no messages.
 *
 *     ticket 7, slot 7:  14 (open) ──▶ 15 begun by the worker
 *                                 └──▶  0 taken back by the shell        whoever comes second sees that it did
 */
export class Claims {
  readonly #tables: Int32Array[] = [];
  readonly #next: number[] = [];
  /** Row → ticket it was last sent with. */
  readonly #tickets: number[] = [];

  /** A table for a worker that starts. */
  make(): SharedArrayBuffer {
    return new SharedArrayBuffer(claimSlots * Int32Array.BYTES_PER_ELEMENT);
  }

  /** The worker with this table takes its place. */
  use(worker: number, shared: SharedArrayBuffer): void {
    this.#tables[worker] = new Int32Array(shared);
    this.#next[worker] = 1;
  }

  /** A ticket for a row that is about to be sent; -1 when an older one still lies in its slot: then it cannot be taken back. */
  ticket(worker: number, row: number): number {
    const ticket = this.#next[worker]!;
    const table = this.#tables[worker]!;
    const slot = ticket % claimSlots;
    this.#next[worker] = ticket === lastTicket ? 1 : ticket + 1;
    const isOccupied = (table[slot]! & 1) === 0 && table[slot] !== 0;
    this.#tickets[row] = isOccupied ? -1 : ticket;
    if (isOccupied) return -1;
    Atomics.store(table, slot, 2 * ticket);
    return ticket;
  }

  /** The ticket that a worker's next task gets. */
  next(worker: number): number {
    return this.#next[worker]!;
  }

  /** What got its ticket since `first` was next never left: nobody will begin it, so the slots are free again. */
  unsent(worker: number, first: number): void {
    const table = this.#tables[worker]!;
    for (let ticket = first; ticket < this.#next[worker]!; ticket++) Atomics.compareExchange(table, ticket % claimSlots, 2 * ticket, 0);
  }

  /** Takes a row back that its worker has not begun. False when it has. */
  takeBack(worker: number, row: number): boolean {
    const ticket = this.#tickets[row]!;
    return ticket > 0 && Atomics.compareExchange(this.#tables[worker]!, ticket % claimSlots, 2 * ticket, 0) === 2 * ticket;
  }
}

const lastTicket = 2 ** 30 - 1;
