import { execFile } from 'node:child_process';
import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Executor, type ExecutorOptions, lazy, type Value } from 'heddle';
import { dask, pythonVenvOrReason } from '../services/python-venv.ts';
import { needed, type Operand, type RandomDag, randomDag } from './random-dag.ts';

/** The same random graphs of arithmetic run by Dask and by heddle: the same answers, and the same tasks run, each of them once. */
const { python, reason } = await pythonVenvOrReason(dask);
const seed = Number(process.env.HEDDLE_SEED ?? Date.now() % 1_000_000_007);
const dags: readonly RandomDag[] = Array.from({ length: 32 }, (_, i) => randomDag(seed + i, i % 10 === 9 ? 400 : 60, i % 4 === 3));

interface Outcome {
  readonly dag: number;
  readonly scheduler: 'threads' | 'distributed';
  readonly optimized: boolean;
  readonly answers: readonly (number | string)[];
  readonly ran: Readonly<Record<string, number>>;
}

async function byDask(): Promise<Outcome[]> {
  const folder = mkdtempSync(join(tmpdir(), 'heddle-differential-'));
  try {
    const path = join(folder, 'dags.json');
    writeFileSync(path, JSON.stringify(dags));
    const script = fileURLToPath(new URL('run-graphs.py', import.meta.url));
    const { stdout } = await promisify(execFile)(python!, [script, path], {
      env: { ...process.env, PYTHONDONTWRITEBYTECODE: '1' },
      timeout: 150_000,
      maxBuffer: 256 << 20,
    });
    return stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Outcome);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** One node, wherever it runs; notes in a file that it ran. */
function apply(log: string, place: number, name: string, operation: string, operands: unknown[]): number {
  appendFileSync(log, `${place}\n`);
  const exact = (number: number): number => number % 1_000_003;
  const sum = (list: number[]): number => exact(list.reduce((a, b) => a + b, 0));
  const [first, second] = operands as [number, number];
  if (operation === 'fail') throw new RangeError(`${name} fails`);
  if (operation === 'add') return exact(first + second);
  if (operation === 'subtract') return exact(first - second);
  if (operation === 'multiply') return exact(first * second);
  if (operation === 'negate') return -first;
  if (operation === 'sum') return sum(operands[0] as number[]);
  if (operation === 'most') return Math.max(...(operands[0] as number[]), second);
  return sum((operands[0] as number[][])[Math.abs(second) % 2]!);
}

/** Each form of a graph has keys of its own: a key that was given belongs to one task. */
const keyOf = (dag: number, place: number, form = 'n'): string => `d${dag}${form}${place}`;
const clean = (answer: number): number => (Object.is(answer, -0) ? 0 : answer);

/** As Values. */
function valuesOf(dag: RandomDag, number: number, log: string): Value<number>[] {
  const values: Value<number>[] = [];
  const operand = (one: Operand): unknown =>
    Array.isArray(one) ? (one as readonly Operand[]).map(operand) : typeof one === 'object' ? values[(one as { node: number }).node] : one;
  for (const [place, { operation, operands }] of dag.nodes.entries()) {
    const key = keyOf(number, place, 'v');
    values.push(lazy(apply, { key })(log, place, keyOf(number, place), operation, operands.map(operand)));
  }
  return dag.outputs.map((output) => values[output]!);
}

/** As Dask's graph of plain objects. */
function objectOf(dag: RandomDag, number: number, log: string): Map<string, unknown> {
  const operand = (one: Operand): unknown =>
    Array.isArray(one)
      ? (one as readonly Operand[]).map(operand)
      : typeof one === 'object'
        ? keyOf(number, (one as { node: number }).node, 'o')
        : one;
  return new Map(
    dag.nodes.map(({ operation, operands }, place) => [
      keyOf(number, place, 'o'),
      [apply, log, place, keyOf(number, place), operation, operands.map(operand)],
    ]),
  );
}

const logs = mkdtempSync(join(tmpdir(), 'heddle-differential-'));
afterAll(() => rmSync(logs, { recursive: true, force: true }));
let logged = 0;

async function byHeddle(
  own: Executor,
  dag: RandomDag,
  number: number,
  form: 'values' | 'object',
): Promise<Pick<Outcome, 'answers' | 'ran'>> {
  const log = join(logs, `log ${++logged}`); // with a space: no key looks like it
  writeFileSync(log, '');
  const futures =
    form === 'values'
      ? own.compute(valuesOf(dag, number, log))
      : own.get<number>(
          objectOf(dag, number, log),
          dag.outputs.map((output) => keyOf(number, output, 'o')),
        );
  const settled = await own.gather(futures, { errors: 'settle', timeout: '60 s' });
  for (const future of futures) future.release();
  const ran: Record<string, number> = {};
  for (const place of readFileSync(log, 'utf8').split('\n').slice(0, -1))
    ran[keyOf(number, Number(place))] = (ran[keyOf(number, Number(place))] ?? 0) + 1;
  return {
    answers: settled.map((one) => (one.status === 'fulfilled' ? clean(one.value) : (one.reason as Error).message)),
    ran,
  };
}

const fails = (dag: RandomDag): boolean => dag.nodes.some(({ operation }) => operation === 'fail');
const sorted = (ran: Readonly<Record<string, number>>) => Object.fromEntries(Object.entries(ran).sort(([a], [b]) => (a < b ? -1 : 1)));
/** Which of several errors below an output is its own depends on what ran first; that it has one does not. */
const answersOf = (dag: RandomDag, { answers }: Pick<Outcome, 'answers'>) =>
  fails(dag) ? answers.map((answer) => (typeof answer === 'string' ? answer.replace(/^d\d+n\d+ (?=fails$)/, 'one ') : answer)) : answers;

const engines: readonly (readonly [name: string, options: ExecutorOptions])[] = [
  ['threads', { workers: 2 }],
  ['threads without optimising', { workers: 2, passes: [] }],
  ['processes', { engine: 'processes', workers: 2 }],
  ['inline', { engine: 'inline' }],
];

describe(`${dags.length} random graphs from seed ${seed} (HEDDLE_SEED repeats them)`, () => {
  let theirs: Map<number, Outcome[]>;

  if (reason !== undefined) {
    it.skip(`run by Dask: ${reason}`, () => undefined);
    return;
  }

  beforeAll(async () => {
    theirs = new Map();
    for (const outcome of await byDask()) theirs.set(outcome.dag, [...(theirs.get(outcome.dag) ?? []), outcome]);
  }, 200_000);

  it('Dask runs what is needed, each task once, on both its schedulers, optimised or not', () => {
    for (const [number, dag] of dags.entries()) {
      const outcomes = theirs.get(number)!;
      expect(outcomes).toHaveLength(fails(dag) ? 2 : 4);
      const [first] = outcomes;
      for (const outcome of outcomes) {
        expect(answersOf(dag, outcome)).toEqual(answersOf(dag, first!));
        if (!fails(dag)) expect(Object.keys(sorted(outcome.ran))).toEqual([...needed(dag)].map((place) => keyOf(number, place)).sort());
      }
    }
  });

  it.each(engines)(
    '%s gives the answers of Dask and runs the same tasks, each of them once',
    async (_, options) => {
      const own = new Executor(options);
      try {
        for (const [number, dag] of dags.entries()) {
          for (const form of ['values', 'object'] as const) {
            const ours = await byHeddle(own, dag, number, form);
            const [dasks] = theirs.get(number)!;
            const context = { seed: dag.seed, form };
            expect({ ...context, answers: answersOf(dag, ours) }).toEqual({ ...context, answers: answersOf(dag, dasks!) });
            if (!fails(dag)) expect({ ...context, ran: sorted(ours.ran) }).toEqual({ ...context, ran: sorted(dasks!.ran) });
            else expect(Object.values(ours.ran).every((times) => times === 1)).toBe(true);
          }
        }
      } finally {
        await own.close();
      }
    },
    120_000,
  );
});
