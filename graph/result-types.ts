import type { Future, FutureHandle } from './future-types.ts';
import type { Opaque, Value } from './lazy-types.ts';

/** A container with every Value and Future replaced by its result, at any depth. */
export type Computed<X> =
  X extends Value<infer T>
    ? T
    : X extends FutureHandle<infer T>
      ? T
      : X extends Opaque
        ? X
        : X extends readonly unknown[]
          ? { -readonly [K in keyof X]: Computed<X[K]> }
          : X extends ReadonlyMap<infer K, infer V>
            ? Map<Computed<K>, Computed<V>>
            : X extends ReadonlySet<infer E>
              ? Set<Computed<E>>
              : X extends object
                ? { -readonly [K in keyof X]: Computed<X[K]> }
                : X;

/** A Future for each Value; anything else stays. One level of an array or plain object. */
export type Started<X> =
  X extends Value<infer T>
    ? Future<T>
    : X extends readonly unknown[] | Readonly<Record<string, unknown>>
      ? { -readonly [K in keyof X]: X[K] extends Value<infer T> ? Future<T> : X[K] }
      : X;

/** What `gather` does with a failed Future. */
export type GatherErrors = 'raise' | 'skip' | 'settle';

/** What `gather` gives for a container, by how errors are treated. */
export type Gathered<X, E extends GatherErrors = 'raise'> =
  X extends FutureHandle<infer T>
    ? E extends 'settle'
      ? PromiseSettledResult<T>
      : E extends 'skip'
        ? T | undefined
        : T
    : X extends Opaque
      ? X
      : X extends readonly unknown[]
        ? E extends 'skip'
          ? Kept<X[number]>[]
          : { -readonly [K in keyof X]: Gathered<X[K], E> }
        : X extends ReadonlyMap<infer K, infer V>
          ? Map<K, E extends 'skip' ? Kept<V> : Gathered<V, E>>
          : X extends ReadonlySet<infer V>
            ? Set<E extends 'skip' ? Kept<V> : Gathered<V, E>>
            : X extends object
              ? E extends 'skip'
                ? { -readonly [K in keyof X]?: Kept<X[K]> }
                : { -readonly [K in keyof X]: Gathered<X[K], E> }
              : X;
type Kept<X> = X extends FutureHandle<infer T> ? T : Gathered<X, 'skip'>;

/** What `scatter` gives: an array, Map, Set or plain object of Futures for such a container, one Future for anything else. */
export type Scattered<X> = X extends Opaque
  ? Future<X>
  : X extends readonly unknown[]
    ? { -readonly [K in keyof X]: Future<X[K]> }
    : X extends ReadonlyMap<infer K, infer V>
      ? Map<K, Future<V>>
      : X extends ReadonlySet<infer E>
        ? Set<Future<E>>
        : X extends Readonly<Record<string, unknown>>
          ? { -readonly [K in keyof X]: Future<X[K]> }
          : Future<X>;
