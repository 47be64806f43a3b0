import { workerContext } from './context.ts';

/**
 * Memory for the blocks and bytes that tasks give: a fresh buffer each, since user code may keep a view of any.
 *
 * A fresh page costs more than the copy into it, so what counts is that the memory of a buffer that was collected comes back with its pages still there.
 * glibc gives what is freed back to the system at once: blocks above 128 KiB are mapped and unmapped one by one. But it learns: freeing a mapped block of
 * up to 32 MiB raises both of its limits, up to which blocks come from the heap, and what the heap keeps (malloc(3), M_MMAP_THRESHOLD). So each worker
 * shows it one such block, which is never touched and so takes no memory:
 *
 *     first block   32 MiB, dropped   →   collected with the first blocks   →   from then on blocks up to 32 MiB reuse warm pages
 *
 * It halves the CPU time of reading and letting go in blocks of 8 MiB. Other allocators see one more allocation.
 */
const taught = 32 * 1024 ** 2 - 8192;
/** Smaller blocks come from the heap in any case. */
const mapped = 128 * 1024;
let isTaught = process.platform !== 'linux';

/** A fresh buffer of its own for bytes that a task gives: shared memory when the executor was asked for it. The bytes are not cleared. */
export function allocateBytes(size: number): Uint8Array {
  if (workerContext.sharedMemory) return new Uint8Array(new SharedArrayBuffer(size));
  if (!isTaught && size >= mapped) {
    isTaught = true;
    Buffer.allocUnsafeSlow(taught);
  }
  const buffer = Buffer.allocUnsafeSlow(size); // never pooled: the bytes own their buffer
  return new Uint8Array(buffer.buffer, 0, size);
}
