import type { Session } from 'node:inspector';
import { createRequire } from 'node:module';
import vm from 'node:vm';

/**
 * What V8 knows of a function: its scopes, its place, what it is bound to. Asked through an inspector session on this very thread, which answers
 * synchronously. The debugger is enabled only while the list of scripts is read (left on, every await would be six times slower).
 */
export interface Look {
  /** Where it lies in its script; `undefined` for native functions. */
  readonly location: { readonly scriptId: string; readonly line: number; readonly column: number } | undefined;
  /** Innermost first; the last is the global object of its realm. A variable without a value yet throws on Node >= 22 and reads `undefined` on 20. */
  readonly scopes: readonly object[];
  readonly bound: { readonly target: unknown; readonly self: unknown; readonly args: readonly unknown[] } | undefined;
  readonly isProxy: boolean;
}

/** A script as V8 lists it. */
export interface RawScript {
  readonly scriptId: string;
  readonly url: string;
  readonly startLine: number;
  readonly startColumn: number;
  readonly length?: number;
  readonly isModule?: boolean;
  /** `isDefault: false`: made in a context of a test runner's or the like. */
  readonly executionContextAuxData?: { readonly isDefault?: boolean };
  readonly sourceMapURL?: string;
}

interface Remote {
  readonly objectId?: string;
  readonly value?: unknown;
}
interface Property {
  readonly name: string;
  readonly value?: Remote;
}
interface Connection {
  readonly session: Session;
  readonly contextId: number;
  readonly box: { thing: unknown };
  readonly boxId: string;
}

let connection: Connection | undefined;
const scripts = new Map<string, RawScript>();

/** The permission model refuses inspectors. */
export class NoInspectorError extends Error {}

function post<T>(session: Session, method: string, params?: object): T {
  let failure: Error | null = null;
  let answer: unknown;
  let answered = false;
  session.post(method, params, (error: Error | null, result: unknown) => {
    failure = error;
    answer = result;
    answered = true;
  });
  if (failure !== null) throw failure;
  if (!answered) throw new Error(`the inspector did not answer ${method}`);
  return answer as T;
}

function connect(): Connection {
  if (connection !== undefined) return connection;
  let session: Session;
  try {
    const inspector = createRequire(import.meta.url)('node:inspector') as typeof import('node:inspector');
    session = new inspector.Session();
    session.connect();
  } catch (error) {
    throw new NoInspectorError('no inspector in this process', { cause: error });
  }
  // a context of our own carries things over, whatever the global object is here (jest and the REPL have their own)
  const box: { thing: unknown } = { thing: undefined };
  let contextId = 0;
  const onContext = (event: { params: { context: { id: number } } }): void => {
    contextId = event.params.context.id;
  };
  session.on('Runtime.executionContextCreated', onContext);
  post(session, 'Runtime.enable');
  vm.createContext(box);
  post(session, 'Runtime.disable');
  session.off('Runtime.executionContextCreated', onContext);
  const evaluated = post<{ result: Remote }>(session, 'Runtime.evaluate', { contextId, expression: 'this' });
  session.on('Debugger.scriptParsed', (event: { params: RawScript }) => scripts.set(event.params.scriptId, event.params));
  connection = { session, contextId, box, boxId: evaluated.result.objectId as string };
  return connection;
}

function fetch({ session, box, boxId }: Connection, objectId: string): unknown {
  post(session, 'Runtime.callFunctionOn', {
    objectId,
    functionDeclaration: 'function (box) { box.thing = this }',
    arguments: [{ objectId: boxId }],
  });
  const { thing } = box;
  box.thing = undefined;
  return thing;
}

function inside<T>(thing: unknown, read: (connection: Connection, objectId: string) => T): T {
  const open = connect();
  open.box.thing = thing;
  try {
    const { result } = post<{ result: Remote }>(open.session, 'Runtime.evaluate', {
      contextId: open.contextId,
      expression: 'thing',
      objectGroup: 'heddle',
    });
    return read(open, result.objectId as string);
  } finally {
    open.box.thing = undefined;
    post(open.session, 'Runtime.releaseObjectGroup', { objectGroup: 'heddle' });
  }
}

/** Looks inside a function. */
export function look(fn: object): Look {
  return inside(fn, (open, objectId) => {
    const { internalProperties = [] } = post<{ internalProperties?: Property[] }>(open.session, 'Runtime.getProperties', {
      objectId,
      ownProperties: true,
    });
    const internal = new Map(internalProperties.map(({ name, value }) => [name, value]));
    const live = (remote: Remote | undefined): unknown => (remote?.objectId === undefined ? remote?.value : fetch(open, remote.objectId));
    const location = internal.get('[[FunctionLocation]]')?.value as
      | { scriptId: string; lineNumber: number; columnNumber: number }
      | undefined;
    const chain = internal.get('[[Scopes]]');
    return {
      location: location && { scriptId: location.scriptId, line: location.lineNumber, column: location.columnNumber },
      scopes: chain === undefined ? [] : scopesOf(live(chain)),
      bound: internal.has('[[TargetFunction]]')
        ? {
            target: live(internal.get('[[TargetFunction]]')),
            self: live(internal.get('[[BoundThis]]')),
            args: listOf(live(internal.get('[[BoundArgs]]'))),
          }
        : undefined,
      isProxy: internal.has('[[Target]]'),
    };
  });
}

/** Whether a function was made by an ES module. */
export function isInModule(fn: object): boolean {
  return inside(fn, (open, objectId) => {
    const { internalProperties = [] } = post<{ internalProperties?: Property[] }>(open.session, 'Runtime.getProperties', {
      objectId,
      ownProperties: true,
    });
    const chain = internalProperties.find(({ name }) => name === '[[Scopes]]')?.value?.objectId;
    if (chain === undefined) return false;
    const { result } = post<{ result: readonly { readonly value?: { readonly description?: string } }[] }>(
      open.session,
      'Runtime.getProperties',
      { objectId: chain, ownProperties: true },
    );
    return result.some(({ value }) => value?.description === 'Module');
  });
}

let mainRealm: boolean | undefined;

/** Whether this code runs in the context Node made, and in no test runner's. */
export function isMainRealm(): boolean {
  mainRealm ??= vm.runInThisContext('globalThis') === globalThis;
  return mainRealm;
}

/** What a Proxy stands for. */
export function proxyTarget(proxy: object): unknown {
  return inside(proxy, (open, objectId) => {
    const { internalProperties = [] } = post<{ internalProperties?: Property[] }>(open.session, 'Runtime.getProperties', {
      objectId,
      ownProperties: true,
    });
    const target = internalProperties.find(({ name }) => name === '[[Target]]')?.value?.objectId;
    return target === undefined ? undefined : fetch(open, target);
  });
}

/** The `#private` fields that lie on a class itself. */
export function privateStatics(owner: object): ReadonlyMap<string, unknown> {
  return inside(owner, (open, objectId) => {
    const { privateProperties = [] } = post<{ privateProperties?: Property[] }>(open.session, 'Runtime.getProperties', {
      objectId,
      ownProperties: true,
    });
    const found = new Map<string, unknown>();
    for (const { name, value } of privateProperties) if (value !== undefined) found.set(name, privateValue(open, value));
    return found;
  });
}

function privateValue(open: Connection, remote: Remote & { readonly type?: string; readonly unserializableValue?: string }): unknown {
  if (remote.objectId !== undefined) return fetch(open, remote.objectId);
  const text = remote.unserializableValue;
  if (text === undefined) return remote.value;
  return text.endsWith('n') ? BigInt(text.slice(0, -1)) : Number(text);
}

function scopesOf(chain: unknown): object[] {
  const list = chain as Record<number, { object?: object } | undefined>;
  const scopes: object[] = [];
  for (let i = 0; list[i] !== undefined; i++) scopes.push((list[i] as { object?: object }).object ?? (list[i] as object));
  return scopes;
}

function listOf(args: unknown): unknown[] {
  return Array.from(args as ArrayLike<unknown>);
}

/** The script of an id; V8 lists all scripts when it is a new one. */
export function rawScript(id: string): RawScript | undefined {
  if (!scripts.has(id)) withDebugger(() => undefined);
  return scripts.get(id);
}

/** Every script V8 has listed so far, oldest first. */
export function rawScripts(): Iterable<RawScript> {
  return scripts.values();
}

/** Its text. */
export function rawSource(id: string): string {
  return withDebugger((session) => post<{ scriptSource: string }>(session, 'Debugger.getScriptSource', { scriptId: id }).scriptSource);
}

/** Metadata and text in one listing: what a first look at a new script needs. */
export function rawScriptAndSource(id: string): { readonly raw: RawScript; readonly source: string } | undefined {
  const source = withDebugger((session) => {
    const raw = scripts.get(id);
    if (raw === undefined || raw.url.startsWith('node:')) return '';
    return post<{ scriptSource: string }>(session, 'Debugger.getScriptSource', { scriptId: id }).scriptSource;
  });
  const raw = scripts.get(id);
  return raw && { raw, source };
}

/** The URL of a script that is running now: cheap, where a list of all scripts is not. */
export function runningScriptUrl(id: string): string | undefined {
  const { session } = connect();
  post(session, 'Runtime.enable');
  try {
    const { exceptionDetails } = post<{ exceptionDetails?: { stackTrace?: { callFrames: readonly { scriptId: string; url: string }[] } } }>(
      session,
      'Runtime.evaluate',
      { expression: 'throw 0' },
    );
    return exceptionDetails?.stackTrace?.callFrames.find(({ scriptId }) => scriptId === id)?.url;
  } finally {
    post(session, 'Runtime.disable');
  }
}

/** Whether `rawScript` would answer at once. */
export function isListed(id: string): boolean {
  return scripts.has(id);
}

/** Lists the scripts that were loaded since the last time. */
export function listScripts(): void {
  withDebugger(() => undefined);
}

function withDebugger<T>(read: (session: Session) => T): T {
  const { session } = connect();
  post(session, 'Debugger.enable', { maxScriptsCacheSize: 0 });
  try {
    return read(session);
  } finally {
    post(session, 'Debugger.disable');
  }
}
