/** What `heddle bench` runs in workers. A module of its own, so that workers load nothing else with it. */

/** Nothing at all. */
export function noop(): void {}

/** The cheapest use of a block. */
export function countBytes(bytes: Uint8Array): number {
  return bytes.length;
}
