import type { PackedError } from '../failure.ts';
import type { Fetched } from '../worker/protocol.ts';
import type { PortableTask } from './portable.ts';

/** What a task asks of the executor it runs on. Handles are the worker's own numbers. */
export type NestedRequest =
  | {
      readonly kind: 'begin';
      readonly parent: number;
      readonly tasks: readonly PortableTask[];
      readonly outputs: readonly number[];
      readonly handles: readonly number[];
    }
  /** It waits for what another task on its worker has begun. */
  | { readonly kind: 'seceded'; readonly parent: number }
  | { readonly kind: 'fetch'; readonly request: number; readonly handles: readonly number[] }
  | { readonly kind: 'release'; readonly handle: number }
  | {
      readonly kind: 'cancel';
      readonly request: number;
      readonly handles: readonly number[];
      readonly reason: unknown;
      readonly force: boolean;
    }
  | { readonly kind: 'retry'; readonly handles: readonly number[] };

/** What it hears. */
export type NestedReply =
  | {
      readonly kind: 'settled';
      readonly handle: number;
      readonly error: PackedError | undefined;
      readonly hasValue: boolean;
      readonly value: unknown;
    }
  | { readonly kind: 'fetched'; readonly request: number; readonly results: readonly Fetched[] }
  | { readonly kind: 'cancelled'; readonly request: number };
