import { inspect } from 'node:util';
import { HeddleError, typeError } from './errors.ts';
import type { Future } from './future-types.ts';
import { isValueHandle } from './handle.ts';
import type { ExecutorChoice, Value as ValueType, VisualizeOptions } from './lazy-types.ts';
import { makeTask, ownFunction, ownTask, remakeTask } from './make-task.ts';
import { keyName } from './names.ts';
import { checkTaskOptions, type TaskOptions } from './options.ts';
import { brandSymbol, keyOf, type Task, type TaskHandle, taskSymbol } from './task.ts';

export { taskOf } from './handle.ts';

const get = ownFunction('graph/operations.js', 'get', 1);
const callMethod = ownFunction('graph/operations.js', 'callMethod', 1);

/** What the upper floors do for `value.compute()` and its kin. */
export interface ValueActions {
  compute(value: ValueType<unknown>, options: ExecutorChoice | undefined): Future<unknown>;
  persist(value: ValueType<unknown>, options: ExecutorChoice | undefined): ValueType<unknown>;
  visualize(value: ValueType<unknown>, path: string | undefined, options: VisualizeOptions | undefined): Promise<string>;
}

let actions: ValueActions | undefined;

/** Called once, by the package's door. */
export function setValueActions(given: ValueActions): void {
  actions = given;
}

function act(): ValueActions {
  if (actions === undefined)
    throw new HeddleError('ERR_UNSUPPORTED', "nothing here can compute Values: import 'heddle', not only 'heddle/graph'");
  return actions;
}

/** The concrete class behind the public type `Value<T>`. */
class ConcreteValue {
  readonly [taskSymbol]: Task;
  declare readonly [brandSymbol]: 'Value';

  constructor(task: Task) {
    this[taskSymbol] = task;
  }

  get key(): string {
    return keyOf(this[taskSymbol]);
  }

  get(prop: PropertyKey): unknown {
    return makeValue(ownTask(get, [this, prop], { name: 'get' }));
  }

  call(method: PropertyKey, ...args: readonly unknown[]): unknown {
    return makeValue(
      ownTask(callMethod, [this, method, ...args], {
        name: typeof method === 'symbol' || method === '' ? 'call' : keyName(String(method)),
      }),
    );
  }

  pipe(fn: unknown, ...args: readonly unknown[]): unknown {
    return makeValue(makeTask(fn, [this, ...args]));
  }

  with(options: TaskOptions): unknown {
    const checked = checkTaskOptions(options);
    if (checked.nout !== undefined)
      throw typeError('ERR_INVALID_OPTION', 'option nout belongs to the function: lazy(fn, { nout }), or fn.with({ nout })');
    return makeValue(remakeTask(this[taskSymbol], checked, makeValue), holdOf(this));
  }

  compute(options?: ExecutorChoice): Future<unknown> {
    return act().compute(asValue(this), options);
  }

  persist(options?: ExecutorChoice): unknown {
    return act().persist(asValue(this), options);
  }

  visualize(path?: string, options?: VisualizeOptions): Promise<string> {
    return act().visualize(asValue(this), path, options);
  }

  toString(): string {
    return `Value('${this.key}')`;
  }

  [inspect.custom](): string {
    return this.toString();
  }

  toJSON(): never {
    throw used(this, 'cannot be written as JSON', 'JSON.stringify(await value.compute())');
  }

  [Symbol.toPrimitive](hint: string): string {
    if (hint === 'string') return this.toString();
    throw used(this, 'has no data to calculate or compare with', 'make it a task, lazy(fn)(value), or use await value.compute()');
  }

  [Symbol.iterator](): Iterator<unknown> {
    throw used(
      this,
      'cannot be iterated, since nobody knows how many items it will have',
      'lazy(fn, { nout: n }) when it has a fixed number, value.get(i) for one, a task that takes it whole, or await value.compute()',
    );
  }
}
Object.defineProperty(ConcreteValue.prototype, brandSymbol, { value: 'Value', configurable: true });

/** A Value with `nout`. Its indexes are getters on the prototype, made when a larger number comes up. */
class ManyValue extends ConcreteValue {
  get length(): number {
    return this[taskSymbol].options.nout as number;
  }

  override *[Symbol.iterator](): Iterator<unknown> {
    const { length } = this;
    for (let i = 0; i < length; i++) yield this.get(i);
  }
}

let indexes = 0;
function growIndexes(count: number): void {
  for (; indexes < count; indexes++) {
    const i = indexes;
    Object.defineProperty(ManyValue.prototype, i, {
      configurable: true,
      get(this: ManyValue): unknown {
        return i < this.length ? this.get(i) : undefined;
      },
      set: refuseWrite(String(i)),
    });
  }
}

function used(value: ConcreteValue, what: string, wayOut: string): TypeError {
  return typeError('ERR_VALUE_USED', `${value.toString()} is a task not yet run: it ${what}; ${wayOut}`);
}

function refuseWrite(property: string): (this: unknown) => never {
  return function refuse(this: unknown): never {
    throw immutable(this, property);
  };
}

function immutable(value: unknown, property: string): TypeError {
  const text = value instanceof ConcreteValue ? value.toString() : 'a Value';
  return typeError(
    'ERR_VALUE_USED',
    `${text} is immutable, so its ${property} cannot be set; make a task that returns what you need, or value.with(options) for other options`,
  );
}

// Every member becomes a getter whose setter explains, and behind the last prototype a Proxy explains the rest: construction and reading cost nothing.
for (const prototype of [ConcreteValue.prototype, ManyValue.prototype]) {
  for (const name of Reflect.ownKeys(prototype)) {
    const property = Object.getOwnPropertyDescriptor(prototype, name) as PropertyDescriptor;
    const member: unknown = property.value;
    const read = property.get ?? (() => member);
    Object.defineProperty(prototype, name, { configurable: true, enumerable: false, get: read, set: refuseWrite(String(name)) });
  }
}
const guard = new Proxy(Object.create(Object.prototype) as object, {
  set(_target, name, _value, receiver): never {
    throw immutable(receiver, String(name));
  },
});
Object.setPrototypeOf(ConcreteValue.prototype, guard);

const holdSymbol: unique symbol = Symbol('heddle.hold');

/** The hold on results that a persisted Value has; `undefined` for others. */
export function holdOf(value: object): unknown {
  return (value as { readonly [holdSymbol]?: unknown })[holdSymbol];
}

/** A handle on a task. `hold` lives as long as the handle. */
export function makeValue<T>(task: Task, hold?: unknown): ValueType<T> & TaskHandle {
  const { nout } = task.options;
  let made: ConcreteValue;
  if (nout === undefined) made = new ConcreteValue(task);
  else {
    growIndexes(nout);
    made = new ManyValue(task);
  }
  if (hold !== undefined) Object.defineProperty(made, holdSymbol, { value: hold });
  return asValue(made);
}

// the public type says what the class does; the class itself is untyped in what its task gives
function asValue<T>(value: ConcreteValue): ValueType<T> & TaskHandle {
  return value as unknown as ValueType<T> & TaskHandle;
}

/** Whether it is a Value. One of another copy of the package is an ERR_FOREIGN_VALUE. */
export function isValue(x: unknown): x is ValueType<unknown> {
  return isValueHandle(x);
}

export type Value<T> = ValueType<T>;
export const Value: typeof ConcreteValue = ConcreteValue;
