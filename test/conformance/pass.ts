import fc from 'fast-check';
import { Graph } from '../../graph/graph.ts';
import { noOptions, type TaskOptions } from '../../graph/options.ts';
import type { Pass, WorkerDescription } from '../../graph/pass.ts';
import { encodeRow } from '../../graph/program.ts';
import { Op } from '../../graph/tape.ts';
import { type Callee, keyOf, type Task } from '../../graph/task.ts';

/** What every pass must keep, on random graphs. Run it on a pass of your own: `describe('mine', () => testPass(mine))`. */
export function testPass(pass: Pass, workers: readonly WorkerDescription[] = someWorkers): void {
  const holds = (check: (graph: Graph, after: Graph) => void): void => {
    fc.assert(fc.property(randomGraphs(), (graph) => check(graph, pass.run(graph, { workers }))));
  };

  it('keeps every output, in order, and its result', () => {
    holds((graph, after) => {
      expect([...after.outputs].map((row) => keyOf(after.tasks[row]!))).toEqual([...graph.outputs].map((row) => keyOf(graph.tasks[row]!)));
      expect(outputResults(after)).toEqual(outputResults(graph));
    });
  });

  it('runs no task twice, and none that did not run before', () => {
    holds((graph, after) => {
      const ran = evaluate(after).ran;
      const before = new Set(evaluate(graph).ran);
      expect(new Set(ran).size).toBe(ran.length);
      expect(ran.filter((key) => !before.has(key))).toEqual([]);
    });
  });

  it('keeps every call that an output needs, in a row or as a member', () => {
    holds((graph, after) => {
      const ran = new Set(evaluate(after).ran);
      expect(neededCalls(graph).filter((key) => !ran.has(key))).toEqual([]);
    });
  });

  it('lists members in the order they run, and only tasks of the graph', () => {
    holds((graph, after) => {
      const known = new Set(graph.tasks.flatMap((task, row) => [task, ...(graph.members[row] ?? [])]).map(keyOf));
      const { ranInRow } = evaluate(after);
      after.tasks.forEach((task, row) => {
        const members = [...(after.members[row] ?? []), task];
        for (const member of members) expect(known).toContain(keyOf(member));
        expect(new Set(members.map(keyOf)).size).toBe(members.length);
        const calls = after.held[row] === 1 ? [] : members.filter((member) => member.callee !== undefined);
        expect(ranInRow[row]).toEqual(calls.map(keyOf));
      });
    });
  });

  it('gives rows in topological order, each dependency once', () => {
    holds((_, after) => {
      expect(after.dependencyStart).toHaveLength(after.size + 1);
      expect(after.members).toHaveLength(after.size);
      expect(after.held).toHaveLength(after.size);
      for (let row = 0; row < after.size; row++) {
        const dependencies = [...after.dependencies(row)];
        expect(new Set(dependencies).size).toBe(dependencies.length);
        for (const dependency of dependencies) {
          expect(dependency).toBeLessThan(row);
          expect([...after.dependents(dependency)]).toContain(row);
        }
      }
    });
  });

  it('leaves held rows as they are: no member, no work', () => {
    holds((graph, after) => {
      const heldBefore = new Set(graph.tasks.filter((_, row) => graph.held[row] === 1).map(keyOf));
      after.tasks.forEach((task, row) => {
        expect(after.held[row] === 1).toBe(heldBefore.has(keyOf(task)));
        if (after.held[row] === 1) expect([after.members[row], [...after.dependencies(row)]]).toEqual([undefined, []]);
      });
    });
  });

  it('changes nothing in the graph it is given, and gives the same again', () => {
    fc.assert(
      fc.property(randomGraphs(), (graph) => {
        const before = picture(graph);
        const first = picture(pass.run(graph, { workers }));
        expect(picture(graph)).toEqual(before);
        expect(picture(pass.run(graph, { workers }))).toEqual(first);
      }),
    );
  });

  it('takes an empty graph', () => {
    expect(pass.run(Graph.from([]), { workers }).size).toBe(0);
  });
}

export const someWorkers: readonly WorkerDescription[] = [
  { name: 'w0', host: 'h2', resources: {} },
  { name: 'w1', host: 'h3', resources: { gpu: 1 } },
  { name: 'w2', host: 'h1:9000', resources: {} },
];

// ------------------------------------------------------------------ tasks

let made = 0;
const tokens = new Map<string, string>();

/** 32 hex digits: one for each text. */
function tokenFor(text: string): string {
  const token = tokens.get(text) ?? (++made).toString(16).padStart(32, '0');
  tokens.set(text, token);
  return token;
}

const callees = new Map<string, Callee>();

function calleeFor(name: string): Callee {
  let callee = callees.get(name);
  if (callee === undefined) {
    callee = {
      name,
      identity: tokenFor(`callee ${name}`),
      fn: (...args: readonly unknown[]) => mix(name, args),
      source: { kind: 'own', module: `test/${name}.js`, name },
    };
    callees.set(name, callee);
  }
  return callee;
}

/** A number that depends on the name and all arguments: equal results mean equal calls. */
function mix(name: string, args: readonly unknown[]): number {
  let hash = 0x811c9dc5;
  for (const char of JSON.stringify([name, args])) hash = Math.imul(hash ^ char.charCodeAt(0), 0x01000193);
  return hash >>> 0;
}

/** What tests set besides name and arguments. */
export interface NodeParts {
  readonly options?: TaskOptions;
  readonly hosts?: readonly string[];
  readonly bytesToRead?: number;
  readonly overlap?: number;
  readonly givenKey?: string;
  readonly scattered?: boolean;
}

/** A call of a function that mixes its arguments; tasks among them, also inside arrays, are its dependencies. */
export function call(name: string, args: readonly unknown[] = [], parts: NodeParts = {}): Task {
  return node(name, calleeFor(name.split('-')[0]!), args, parts);
}

/** Data; tasks inside an array are dependencies. */
export function data(name: string, content: unknown, parts: NodeParts = {}): Task {
  return node(name, undefined, [content], parts);
}

const isTask = (value: unknown): value is Task => typeof value === 'object' && value !== null && 'argc' in value;

function node(name: string, callee: Callee | undefined, args: readonly unknown[], parts: NodeParts): Task {
  const dependencies: Task[] = [];
  const tape: unknown[] = [];
  const add = (value: unknown): void => {
    if (isTask(value)) {
      if (!dependencies.includes(value)) dependencies.push(value);
      tape.push(Op.dependency, dependencies.indexOf(value));
    } else if (Array.isArray(value) && value.some(isTask)) {
      for (const item of value) add(item);
      tape.push(Op.array, value.length);
    } else tape.push(Op.literal, value);
  };
  for (const arg of args) add(arg);
  const token = tokenFor(`${callee?.name}|${name}|${tape.map(String).join()}|${dependencies.map((task) => task.token).join()}`);
  return Object.freeze({
    id: parts.givenKey ?? token,
    name,
    token,
    givenKey: parts.givenKey,
    callee,
    tape,
    argc: args.length,
    dependencies,
    options: parts.options ?? noOptions,
    hosts: parts.hosts,
    bytesToRead: parts.bytesToRead ?? 0,
    overlap: parts.overlap ?? 1,
    scattered: parts.scattered ?? false,
  });
}

// ------------------------------------------------------------------ random graphs

const someOptions: readonly TaskOptions[] = [
  noOptions,
  noOptions,
  noOptions,
  Object.freeze({ priority: 0 }),
  Object.freeze({ retries: 2 }),
  Object.freeze({ workers: 'w1' }),
  Object.freeze({ workers: Object.freeze(['w1']) }),
  Object.freeze({ resources: { gpu: 1 } }),
  Object.freeze({ timeout: 10 }),
];
const someHosts: readonly (readonly string[] | undefined)[] = [undefined, undefined, undefined, ['h1', 'h2'], ['h2', 'h1'], ['h9']];

/** Nodes each of which depends on earlier ones; chains, shared nodes, data of all kinds, annotations, hosts, held rows, several outputs. */
export function randomGraphs(maxNodes = 40): fc.Arbitrary<Graph> {
  const specs = fc.record({
    back: fc.array(fc.integer({ min: 1, max: 6 }), { maxLength: 4 }),
    kind: fc.constantFrom('call', 'call', 'call', 'call', 'twice', 'nested', 'small data', 'big data', 'list'),
    options: fc.nat(someOptions.length - 1),
    hosts: fc.nat(someHosts.length - 1),
    isOutput: fc.boolean(),
    isHeld: fc.nat(9).map((n) => n === 0),
  });
  return fc.array(specs, { minLength: 1, maxLength: maxNodes }).map((list) => {
    const tasks: Task[] = [];
    const held = new Set<Task>();
    const outputs: Task[] = [];
    list.forEach((spec, i) => {
      const dependencies = [...new Set(spec.back.filter((back) => back <= i).map((back) => tasks[i - back]!))];
      const parts: NodeParts = {
        options: someOptions[spec.options]!,
        hosts: someHosts[spec.hosts]!,
        bytesToRead: someHosts[spec.hosts] ? 100 : 0,
      };
      const task =
        spec.kind === 'small data'
          ? data(`data-${i}`, i)
          : spec.kind === 'big data'
            ? data(`data-${i}`, 'x'.repeat(5000))
            : spec.kind === 'list'
              ? data(`list-${i}`, [i, ...dependencies])
              : call(
                  `f${i % 5}-${i}`,
                  spec.kind === 'twice'
                    ? [...dependencies, i, ...dependencies]
                    : spec.kind === 'nested'
                      ? [[...dependencies, [i]], i]
                      : [...dependencies, i],
                  parts,
                );
      tasks.push(task);
      if (spec.isHeld) held.add(task);
      if (spec.isOutput || i === list.length - 1) outputs.push(task);
    });
    return Graph.from(outputs, (task) => held.has(task));
  });
}

// ------------------------------------------------------------------ the reference interpreter

/** What a graph gives when its programs are run one after the other. */
export interface Evaluation {
  readonly results: readonly unknown[];
  /** Keys of the calls, in the order they ran. */
  readonly ran: readonly string[];
  readonly ranInRow: readonly (readonly string[])[];
}

/** Runs the program of each row, held rows excepted: those give a result that only depends on their key. */
export function evaluate(graph: Graph, rank: Int32Array | undefined = graph.order): Evaluation {
  const results: unknown[] = [];
  const ranInRow: string[][] = [];
  const ran: string[] = [];
  const rows = Array.from({ length: graph.size }, (_, row) => row);
  if (rank !== undefined) rows.sort((a, b) => rank[a]! - rank[b]!);
  for (const row of rows) {
    ranInRow[row] = [];
    if (graph.held[row] === 1) {
      results[row] = `held ${keyOf(graph.tasks[row]!)}`;
      continue;
    }
    const used: Callee[] = [];
    const tape: unknown[] = [];
    const inputs = encodeRow(graph, row, (callee) => used.push(callee) - 1, tape);
    for (const input of inputs) if (!(input in results)) throw new Error(`row ${row} ran before row ${input}`);
    if (new Set(inputs).size !== inputs.length) throw new Error(`row ${row} has an input twice`);
    const members = [...(graph.members[row] ?? []), graph.tasks[row]!];
    results[row] = runTape(
      tape,
      used,
      inputs.map((input) => results[input]),
      (member) => {
        ranInRow[row]!.push(keyOf(members[member]!));
        ran.push(keyOf(members[member]!));
      },
    );
  }
  return { results, ran, ranInRow };
}

/** The stack machine of graph/tape.ts, for what tests put on tapes. */
export function runTape(
  tape: readonly unknown[],
  used: readonly Callee[],
  inputs: readonly unknown[],
  onCall: (member: number) => void,
): unknown {
  const stack: unknown[] = [];
  for (let i = 0; i < tape.length; i += 2) {
    const operand = tape[i + 1];
    switch (tape[i]) {
      case Op.literal:
        stack.push(operand);
        break;
      case Op.dependency:
        stack.push(inputs[operand as number]);
        break;
      case Op.array:
        stack.push(stack.splice(stack.length - (operand as number)));
        break;
      case Op.call: {
        const args = stack.splice(stack.length - (tape[i + 2] as number));
        onCall(tape[i + 3] as number);
        stack.push((used[operand as number]!.fn as (...args: readonly unknown[]) => unknown)(...args));
        i += 2;
        break;
      }
      default:
        throw new Error(`op ${String(tape[i])} at ${i}`);
    }
  }
  if (stack.length !== 1) throw new Error(`a program left ${stack.length} things`);
  return stack[0];
}

/** Results by key of the outputs. */
export function outputResults(graph: Graph): ReadonlyMap<string, unknown> {
  const { results } = evaluate(graph);
  return new Map([...graph.outputs].map((row) => [keyOf(graph.tasks[row]!), results[row]]));
}

function neededCalls(graph: Graph): string[] {
  const needed = new Set(graph.outputs);
  for (const row of needed) if (graph.held[row] === 0) for (const dependency of graph.dependencies(row)) needed.add(dependency);
  return [...needed]
    .filter((row) => graph.held[row] === 0 && graph.tasks[row]!.callee !== undefined)
    .map((row) => keyOf(graph.tasks[row]!));
}

/** All of a graph as plain data, to compare. */
function picture(graph: Graph): unknown {
  const { dependencyStart, dependencyRows, outputs, held, order, preferred } = graph;
  const members = graph.members.map((list) => list?.map(keyOf));
  return structuredClone({ tasks: graph.tasks.map(keyOf), members, dependencyStart, dependencyRows, outputs, held, order, preferred });
}
