import type { Move } from './world.ts';

/** Lives that once went wrong, as the simulation shrank them. */
export const found: readonly { readonly about: string; readonly seed: number; readonly moves: readonly Move[] }[] = [];
