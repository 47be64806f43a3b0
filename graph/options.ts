import { rangeError, typeError } from './errors.ts';

/** A number of bytes: an integer >= 0, or text such as `'64 MiB'`, `'1.5 kB'`. kB, MB, GB, TB are powers of 1000; KiB, MiB, GiB, TiB of 1024. */
export type ByteSize = number | `${number}${'' | ' '}${'B' | 'kB' | 'MB' | 'GB' | 'TB' | 'KiB' | 'MiB' | 'GiB' | 'TiB'}`;

/** A length of time: milliseconds, or text such as `'10 s'`, `'500 ms'`, `'2 min'`, `'1 h'`. */
export type Duration = number | `${number}${'' | ' '}${'ms' | 's' | 'min' | 'h'}`;

/** How a task is made and run. Only `name`, `key`, `pure` and `version` take part in the key. */
export interface TaskOptions {
  /** First part of the key, and the name in pictures. @default the function's own name, else `lambda` */
  readonly name?: string | undefined;
  /** The whole key. Two different tasks under one key are an `ERR_KEY_CONFLICT`. */
  readonly key?: string | undefined;
  /** `false`: a random key, so every call is a task of its own. @default true */
  readonly pure?: boolean | undefined;
  /** The result has this many elements; the Value can be destructured. Negative or fractional: RangeError. */
  readonly nout?: number | undefined;
  /** `false`: Values inside containers are passed as they are, not searched for. @default true */
  readonly traverse?: boolean | undefined;
  /** How often to run again after an error the function threw. @default the executor's `retries` */
  readonly retries?: number | undefined;
  /** Longest time for one attempt; then it is stopped and counts as failed (`ERR_TIMEOUT`). @default none */
  readonly timeout?: Duration | undefined;
  /** How many tasks of this function run at once, over all workers. @default no limit */
  readonly concurrency?: number | undefined;
  /** Higher first. @default 0 */
  readonly priority?: number | undefined;
  /** Names, hosts or `host:port` of the workers that may run it. @default all */
  readonly workers?: string | readonly string[] | undefined;
  /** `workers` becomes a preference. Without `workers`: an error. @default false */
  readonly allowOtherWorkers?: boolean | undefined;
  /** What it occupies while it runs, of what the workers declare: `{ gpu: 1 }`. */
  readonly resources?: Readonly<Record<string, number>> | undefined;
  /** Change it to change the key when the code's meaning changed and its text did not. */
  readonly version?: string | number | undefined;
}

/** No options at all; shared, so that the common case costs nothing. */
export const noOptions: TaskOptions = Object.freeze({});

type Check = (value: unknown, name: string) => void;

const fail = (name: string, value: unknown, wanted: string): never => {
  throw typeError('ERR_INVALID_OPTION', `option ${name} must be ${wanted}; it is ${describeWrong(value)}`);
};
const text: Check = (value, name) => {
  if (typeof value !== 'string' || value === '') fail(name, value, 'a non-empty text');
};
const flag: Check = (value, name) => {
  if (typeof value !== 'boolean') fail(name, value, 'true or false');
};
const count =
  (least: number): Check =>
  (value, name) => {
    if (typeof value !== 'number') return fail(name, value, `a whole number >= ${least}`);
    if (!Number.isInteger(value) || value < least)
      throw rangeError('ERR_INVALID_OPTION', `option ${name} must be a whole number >= ${least}; it is ${value}`);
  };
const checks: Readonly<Record<keyof TaskOptions, Check>> = {
  name: text,
  key: text,
  pure: flag,
  nout: count(0),
  traverse: flag,
  retries: count(0),
  timeout: (value) => void parseDuration(value as Duration, 'timeout'),
  concurrency: count(1),
  priority: (value, name) => {
    if (typeof value !== 'number' || Number.isNaN(value)) fail(name, value, 'a number');
  },
  workers: (value, name) => {
    const list = typeof value === 'string' ? [value] : value;
    if (!Array.isArray(list) || list.length === 0 || !list.every((one) => typeof one === 'string' && one !== ''))
      fail(name, value, 'a worker or a list of workers');
  },
  allowOtherWorkers: flag,
  resources: (value, name) => {
    if (typeof value !== 'object' || value === null || Object.values(value).some((amount) => typeof amount !== 'number' || !(amount >= 0)))
      fail(name, value, 'an object of amounts >= 0');
  },
  version: (value, name) => {
    if (typeof value !== 'string' && typeof value !== 'number') fail(name, value, 'a text or a number');
  },
};

/** The names of TaskOptions. */
export const taskOptionNames: ReadonlySet<string> = new Set(Object.keys(checks));

/** Checks and freezes; `undefined` entries are dropped. Throws TypeError or RangeError with ERR_INVALID_OPTION. */
export function checkTaskOptions(options: unknown): TaskOptions {
  if (options === undefined) return noOptions;
  if (typeof options !== 'object' || options === null) return fail('of a task', options, 'an object of TaskOptions');
  const checked: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(options)) {
    if (!taskOptionNames.has(name))
      throw typeError('ERR_INVALID_OPTION', `there is no task option "${name}" (known: ${[...taskOptionNames].join(', ')})`);
    if (value === undefined) continue;
    checks[name as keyof TaskOptions](value, name);
    checked[name] = Array.isArray(value) ? Object.freeze([...value]) : value;
  }
  return Object.freeze(checked);
}

/** `allowOtherWorkers` says how strictly `workers` is meant, so alone it means nothing. Checked when all sources of options are merged. */
export function checkMergedOptions(options: TaskOptions): void {
  if (options.allowOtherWorkers !== undefined && options.workers === undefined)
    throw typeError('ERR_INVALID_OPTION', 'option allowOtherWorkers needs option workers; without it every worker is allowed already');
}

const byteUnits: Readonly<Record<string, number>> = {
  '': 1,
  B: 1,
  kB: 1e3,
  MB: 1e6,
  GB: 1e9,
  TB: 1e12,
  KiB: 1024,
  MiB: 1024 ** 2,
  GiB: 1024 ** 3,
  TiB: 1024 ** 4,
};
const timeUnits: Readonly<Record<string, number>> = { '': 1, ms: 1, s: 1e3, min: 6e4, h: 3.6e6 };

/** Bytes as a whole number. Throws TypeError for another type or unit, RangeError for a negative or fractional size. */
export function parseByteSize(size: ByteSize, name: string): number {
  const bytes = parseQuantity(size, name, byteUnits, 'a size such as 1000 or "64 MiB" (B, kB, MB, GB, TB, KiB, MiB, GiB, TiB)');
  if (!Number.isSafeInteger(bytes))
    throw rangeError('ERR_INVALID_OPTION', `${name} must be a whole number of bytes; it is ${String(size)}`);
  return bytes;
}

/** Milliseconds; `Infinity` is allowed. Throws TypeError for another type or unit, RangeError for a negative time. */
export function parseDuration(duration: Duration, name: string): number {
  return parseQuantity(duration, name, timeUnits, 'a time such as 500 or "10 s" (ms, s, min, h)');
}

function parseQuantity(quantity: unknown, name: string, units: Readonly<Record<string, number>>, wanted: string): number {
  let amount: number;
  if (typeof quantity === 'number') amount = quantity;
  else {
    const match = typeof quantity === 'string' ? /^\s*([+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?)\s*([A-Za-z]*)\s*$/.exec(quantity) : null;
    const unit = match && Object.hasOwn(units, match[2]!) ? units[match[2]!] : undefined;
    if (match === null || unit === undefined)
      throw typeError('ERR_INVALID_OPTION', `${name} must be ${wanted}; it is ${describeWrong(quantity)}`);
    amount = Number((Number(match[1]) * unit).toPrecision(15));
  }
  if (Number.isNaN(amount) || amount < 0) throw rangeError('ERR_INVALID_OPTION', `${name} must be >= 0; it is ${String(quantity)}`);
  return amount;
}

/** A wrong value in few words, for messages. */
export function describeWrong(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value.length > 60 ? `${value.slice(0, 60)}…` : value);
  if (value === null || typeof value !== 'object') return typeof value === 'function' ? 'a function' : String(value);
  if (Array.isArray(value)) return 'an array';
  const name = Object.getPrototypeOf(value)?.constructor?.name;
  return typeof name === 'string' && name !== 'Object' ? `a ${name}` : 'an object';
}
