import { random } from '../statistics.mjs';

/** Building a graph and putting it in order. heddle makes every node's key on the way, and its plan has passed cull, inline, fuse, order and place; graphlib sets nodes and edges, and sorts. */

/**
 * Node by node, what each depends on. Calls `add(i, a, b)` for node `i` on nodes `a` and `b`; −1 for none.
 * `layered`: 64 layers, each node on two random ones of the layer before. `tree`: leaves, then pairs of what is there until one is left. `chain`: each on the one before.
 */
const shapes = {
  layered(size, add) {
    const next = random(3);
    const width = Math.ceil(size / 64);
    for (let i = 0; i < size; i++) {
      const start = (Math.floor(i / width) - 1) * width;
      if (start < 0) add(i, -1, -1);
      else {
        const a = start + Math.floor(next() * width);
        const b = start + Math.floor(next() * width);
        add(i, a, b === a ? start + ((a - start + 1) % width) : b);
      }
    }
  },
  tree(size, add) {
    const leaves = Math.ceil(size / 2);
    for (let i = 0; i < size; i++) {
      const first = (i - leaves) * 2;
      if (i < leaves) add(i, -1, -1);
      else add(i, first, first + 1 < i ? first + 1 : -1);
    }
  },
  chain(size, add) {
    for (let i = 0; i < size; i++) add(i, i - 1, -1);
  },
};

const title = (shape, size) => `compile: ${shape}, ${size.toLocaleString('en')} nodes`;

function table(shape, size, contestants, extra = {}) {
  return {
    title: title(shape, size),
    unit: 'µs a node',
    per: size,
    settings: { shape, size },
    contestants,
    mostRounds: { graphlib: 3 },
    ...extra,
  };
}

const mark = { text: 'graphlib’s build takes ≥ 10× as long as building with keys', peer: 'graphlib', part: 'build', atLeast: 10 };

export default {
  name: 'compile',
  about: 'building a graph with a key for each node, and making a plan of it',
  tables: (quick) => {
    const both = ['heddle', 'graphlib'];
    const small = quick ? 10_000 : 100_000;
    const large = quick ? 100_000 : 1_000_000;
    return [
      table('layered', small, both, { marks: [mark] }),
      table('tree', small, both, { marks: [mark] }),
      table('chain', small, both, { note: 'graphlib’s topsort calls itself once a node of the chain' }),
      table('layered', large, ['heddle'], { rounds: 3, note: 'graphlib would take about ten times its time above' }),
      table('tree', large, ['heddle'], { rounds: 3 }),
    ];
  },
  contestants: {
    async heddle({ shape, size }) {
      const { lazy } = await import('../heddle.mjs');
      const { compile, taskOf } = await import('../../dist/graph/index.js');
      const start = lazy(function start(i) {
        return i;
      });
      const step = lazy(function step(i, a, b) {
        return i + a + (b ?? 0);
      });
      const workers = Array.from({ length: 2 }, (_, i) => ({ name: `worker-${i}`, host: 'localhost', resources: {} }));
      return {
        run(_, lap) {
          const values = new Array(size);
          const isUsed = new Uint8Array(size);
          shapes[shape](size, (i, a, b) => {
            values[i] = a < 0 ? start(i) : b < 0 ? step(i, values[a]) : step(i, values[a], values[b]);
            if (a >= 0) isUsed[a] = 1;
            if (b >= 0) isUsed[b] = 1;
          });
          lap('build');
          const outputs = [];
          for (let i = 0; i < size; i++) if (isUsed[i] === 0) outputs.push(taskOf(values[i]));
          const plan = compile(outputs, { workers });
          lap('order');
          return { nodes: plan.passes[0].tasksBefore };
        },
      };
    },
    async graphlib({ shape, size }) {
      const { Graph, alg } = await import('@dagrejs/graphlib');
      return {
        run(_, lap) {
          const graph = new Graph();
          shapes[shape](size, (i, a, b) => {
            graph.setNode(`step-${i}`, i);
            if (a >= 0) graph.setEdge(`step-${a}`, `step-${i}`);
            if (b >= 0) graph.setEdge(`step-${b}`, `step-${i}`);
          });
          lap('build');
          const nodes = alg.topsort(graph).length;
          lap('order');
          return { nodes };
        },
      };
    },
  },
};
