import { createRequire } from 'node:module';
import { type DescribedTask, describeGraph, Graph } from '../../graph/index.ts';
import { tasksOfValues, type Values } from './values.ts';

/** The part of `@dagrejs/graphlib`'s `Graph` that is always there. */
export interface GraphlibGraph {
  nodes(): string[];
  edges(): { v: string; w: string }[];
  node(key: string): unknown;
  nodeCount(): number;
  edgeCount(): number;
}

interface OpenGraph extends GraphlibGraph {
  setNode(key: string, label?: unknown): this;
  setEdge(from: string, to: string): this;
  hasNode(key: string): boolean;
}

const load = createRequire(import.meta.url);
let SafeGraph: (new () => OpenGraph) | undefined;

/**
 * A `Graph` of `@dagrejs/graphlib`; nodes are keys, a node's label is its row of the description, edges go from a dependency to its dependent.
 * Its own walks (`alg`) recurse and keep keys as property names: good for interchange and small drawings.
 */
export function toGraphlib(values: Values): GraphlibGraph {
  const { tasks } = describeGraph(Graph.from(tasksOfValues(values, 'toGraphlib')));
  SafeGraph ??= safeGraphClass();
  const graph = new SafeGraph();
  const keys = tasks.map((task: DescribedTask) => task.key);
  for (const task of tasks) graph.setNode(task.key, task);
  for (const task of tasks) for (const dependency of task.dependencies) graph.setEdge(keys[dependency] ?? '', task.key);
  return graph;
}

/** Graphlib keeps nodes as property names of `{}`, where `constructor` and `__proto__` are taken; objects without a prototype have room for every key. */
function safeGraphClass(): new () => OpenGraph {
  const { Graph: Plain } = load('@dagrejs/graphlib') as { Graph: new (options: object) => OpenGraph };
  const isTable = (value: unknown): value is object =>
    typeof value === 'object' &&
    value !== null &&
    !Array.isArray(value) &&
    Object.getPrototypeOf(Object.getPrototypeOf(value) ?? value) === null &&
    Object.keys(value).length === 0;
  return class extends Plain {
    readonly #perNode: Record<string, unknown>[] = [];
    constructor() {
      super({ directed: true });
      const fields = this as unknown as Record<string, unknown>;
      for (const [name, value] of Object.entries(fields)) if (isTable(value)) fields[name] = Object.create(null);
      for (const name of ['_in', '_out', '_preds', '_sucs']) {
        const table = fields[name];
        if (typeof table === 'object' && table !== null) this.#perNode.push(table as Record<string, unknown>);
      }
    }
    override setNode(...given: [key: string, label?: unknown]): this {
      const [key] = given;
      const isNew = !this.hasNode(key);
      super.setNode(...given); // with as many arguments as it was called with: setEdge gives no label, and must not take one away
      if (isNew) for (const table of this.#perNode) if (isTable(table[key])) table[key] = Object.create(null);
      return this;
    }
  };
}
