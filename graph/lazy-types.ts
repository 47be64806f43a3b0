import type { AnyFuture, Future, FutureHandle } from './future-types.ts';
import type { TaskOptions } from './options.ts';

// ---- what a lazy call accepts

/** Data in which nothing is searched: it is passed as it is. */
export type Opaque =
  | string
  | number
  | bigint
  | boolean
  | symbol
  | null
  | undefined
  | ((...args: never) => unknown)
  | (abstract new (
      ...args: never
    ) => unknown)
  | ArrayBufferView
  | ArrayBufferLike
  | Date
  | RegExp
  | Error
  | URL
  | PromiseLike<unknown>
  | AnyValue
  | AnyFuture
  | WeakMap<WeakKey, unknown>
  | WeakSet<WeakKey>;

type Deeper = [never, 0, 1, 2, 3, 4, 5, 6, 7];
type Depth = 0 | 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8;

/** `T`, or a Value or Future of it. */
export type Known<T> = T | Value<T> | FutureHandle<T>;

/**
 * What may stand for an argument of type `T`: `T`, `Value<T>`, `Future<T>`, or an array, tuple, plain object, Map or Set of `T`'s shape that holds such things.
 * Typed to eight levels of containers; heddle itself searches at any depth.
 */
export type Lazy<T> = Known<T> | LazyInside<T, 8>;
type LazyAt<T, D extends Depth> = Known<T> | LazyInside<T, D>;

/** Distributes over unions; the `Known` part does not, so that `Value<A | B>` fits `A | B`. */
type LazyInside<T, D extends Depth> = [D] extends [0]
  ? never
  : T extends Opaque
    ? never
    : T extends readonly unknown[]
      ? number extends T['length']
        ? LazyArray<T, Deeper[D]>
        : { readonly [K in keyof T]: LazyAt<T[K], Deeper[D]> }
      : T extends ReadonlyMap<infer K, infer V>
        ? ReadonlyMap<LazyAt<K, Deeper[D]>, LazyAt<V, Deeper[D]>>
        : T extends ReadonlySet<infer E>
          ? ReadonlySet<LazyAt<E, Deeper[D]>>
          : T extends Iterable<infer E>
            ? E[] extends T
              ? readonly LazyAt<E, Deeper[D]>[]
              : never
            : T extends object
              ? { readonly [K in keyof T]: LazyAt<T[K], Deeper[D]> }
              : never;
type LazyArray<T extends readonly unknown[], D extends Depth> = T extends readonly (infer E)[] ? readonly LazyAt<E, D>[] : never;

/** The parameters of a lazy call: names, optional and rest parameters are kept. */
export type LazyArguments<A extends readonly unknown[]> = { [K in keyof A]: Lazy<A[K]> };

/** A function that takes `A` and gives `R`, plain or lazy. Public as `Task`. */
export type TaskFunction<A extends readonly unknown[], R> = LazyFunction<A, Awaited<R>> | ((this: void, ...args: A) => R);

/** Options whose `nout` is not set. */
export type PlainOptions = TaskOptions & { readonly nout?: undefined };

// ---- Value

/** A Value of whatever. */
export interface AnyValue {
  /** `<name>-<32 lower-case hex>`, unless given. */
  readonly key: string;
  /** Always throws a TypeError: a Value has no data yet. */
  toJSON(): never;
}

type AnyMethod = (...args: never) => unknown;
/** The names of `T`'s methods. No mapped type: of an array or a primitive that would give an array or the primitive again. */
export type MethodNames<T> = MethodName<T, keyof T>;
type MethodName<T, K extends keyof T> = K extends unknown ? (T[K] extends AnyMethod ? K : never) : never;

/** Up to four overloads of a method, the last declared first in line. */
export type Signatures<F> = F extends {
  (...args: infer A1): infer R1;
  (...args: infer A2): infer R2;
  (...args: infer A3): infer R3;
  (...args: infer A4): infer R4;
}
  ? [A4, R4] | Known4<A3, R3> | Known4<A2, R2> | Known4<A1, R1>
  : F extends (...args: infer A) => infer R
    ? [A, R]
    : never;
type Known4<A, R> = unknown extends R ? (A extends readonly unknown[] ? (unknown[] extends A ? never : [A, R]) : never) : [A, R];
/** What a lazy call of one of these signatures accepts. */
export type SignatureArguments<S> = S extends [infer A extends readonly unknown[], unknown] ? LazyArguments<A> : never;
/** What the signature that fits these arguments gives. */
export type SignatureResult<S, G> = S extends [infer A extends readonly unknown[], infer R]
  ? G extends LazyArguments<A>
    ? R
    : never
  : never;

declare const valueType: unique symbol;

/** A task not yet run, or data wrapped as one. Immutable; not thenable; not iterable unless it has `nout`. `util.inspect` gives `Value('key')`. */
export interface Value<out T> extends AnyValue {
  /** Type only; never there at run time. */
  readonly [valueType]?: T;
  /** A Value of a property or element. On a Map use `call('get', key)`. */
  get<K extends keyof T>(prop: K): Value<T[K]>;
  /** A Value of what a method returns; one task. */
  call<K extends MethodNames<T>, G extends SignatureArguments<Signatures<T[K]>>>(
    method: K,
    ...args: G
  ): Value<Awaited<SignatureResult<Signatures<T[K]>, G>>>;
  /** `lazy(fn)(this, ...args)`. */
  pipe<A extends unknown[], R>(fn: LazyFunction<[first: T, ...rest: A], R>, ...args: LazyArguments<A>): Value<R>;
  pipe<A extends unknown[], R>(fn: (this: void, first: T, ...args: A) => R, ...args: LazyArguments<A>): Value<Awaited<R>>;
  /** The same task with other options; the key changes only with `name`, `key`, `pure` or `version`. */
  with(options: PlainOptions): Value<T>;
  /** Begins; a Future of the result. */
  compute(options?: ExecutorChoice): Future<T>;
  /** Begins; a Value of the same key whose result stays with the workers while this Value lives. */
  persist(options?: ExecutorChoice): Value<T>;
  /** Draws the graph under this Value; resolves to the text, or to the path when one is given. */
  visualize(path?: string | undefined, options?: VisualizeOptions): Promise<string>;
}

/** What computes Values: an Executor. */
export interface Computer {
  compute<T>(value: Value<T>): Future<T>;
  persist<X>(values: X): X;
}

/** Where a call runs. */
export interface ExecutorChoice {
  /** @default the newest open executor, or a new one */
  readonly executor?: Computer | undefined;
}

/** Formats of pictures. */
export type GraphFormat = 'svg' | 'dot' | 'mermaid' | 'html' | 'json' | 'png';

/** Options of `visualize`. */
export interface VisualizeOptions {
  /** @default by the path's ending, else 'svg' */
  readonly format?: GraphFormat | undefined;
  /** What colours say. @default 'name' */
  readonly color?: 'name' | 'order' | 'worker' | 'status' | 'time' | undefined;
  /** Draw the plan instead of what was written. @default false */
  readonly optimize?: boolean | undefined;
  /** Where the graph grows to. @default 'BT' */
  readonly rankdir?: 'BT' | 'TB' | 'LR' | 'RL' | undefined;
}

// ---- nout

type Positions<R extends readonly unknown[], N extends number, Got extends readonly unknown[] = []> = number extends N
  ? readonly Value<R[number]>[]
  : Got['length'] extends N
    ? Got
    : Got['length'] extends 32
      ? readonly Value<R[number]>[]
      : Positions<R, N, readonly [...Got, Value<R[Got['length']]>]>;
/** Array methods are absent at run time; as `never` they leave destructuring typed by position. */
type NoArrayMethods = { readonly [K in Exclude<keyof (readonly unknown[]), number | 'length' | 'with' | typeof Symbol.iterator>]: never };
type OwnPositions<P extends readonly unknown[]> = { readonly [K in Exclude<keyof P, keyof (readonly unknown[])>]: P[K] } & {
  readonly length: P['length'];
  [Symbol.iterator](): IterableIterator<P[number]>;
};

/** A Value with `nout`: `const [a, b] = both` gives Values typed by position. Not an array: it has `length`, indexes and iteration only. */
export type ManyValue<R extends readonly unknown[], N extends number = R['length']> = Omit<Value<R>, 'with'> &
  NoArrayMethods &
  OwnPositions<Positions<R, N>> & {
    with: ((options: PlainOptions) => ManyValue<R, N>) & ((index: never, value: never) => never);
  };

// ---- LazyFunction

/** Calling it makes a Value and runs nothing. */
export interface LazyFunction<A extends readonly unknown[], R> {
  (...args: LazyArguments<A>): Value<R>;
  /** The name its keys begin with. */
  readonly name: string;
  /** The options it carries, frozen. */
  readonly options: TaskOptions;
  /** The same function with these options on top. */
  with<const N extends number>(options: TaskOptions & { readonly nout: N }): R extends readonly unknown[] ? ManyFunction<A, R, N> : never;
  with(options: PlainOptions): LazyFunction<A, R>;
}

/** A LazyFunction with `nout`. */
export interface ManyFunction<A extends readonly unknown[], R extends readonly unknown[], N extends number = R['length']> {
  (...args: LazyArguments<A>): ManyValue<R, N>;
  readonly name: string;
  readonly options: TaskOptions;
  with(options: PlainOptions): ManyFunction<A, R, N>;
}

/** A generator of any kind. */
export type AnyGenerator = Generator<unknown, unknown, never> | AsyncGenerator<unknown, unknown, never>;
/** Shown by the compiler in place of `fn` when it is a generator. */
export interface GeneratorsCannotBeTasks {
  readonly error: 'a generator cannot be a task: return an array, or make one task an item';
}

/** Put a method under `tokenizeSymbol` on a class to say what its instances hash by: `[Symbol.for('heddle.tokenize')]() { return [this.id] }`. */
export interface Tokenizable {
  [tokenizeSymbol](): unknown;
}
declare const tokenizeSymbol: unique symbol;
