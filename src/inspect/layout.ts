import { HeddleError } from '../../graph/index.ts';
import type { Picture, PictureNode } from './picture.ts';
import { textWidth } from './text.ts';

/** Where a node lies: its middle and its size, in points; y grows downwards. */
export interface PlacedNode {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** Positions for a Picture's nodes, and for each edge the points of its Bézier curve from the dependency to the dependent. */
export interface Layout {
  readonly width: number;
  readonly height: number;
  readonly nodes: readonly PlacedNode[];
  readonly edges: readonly (readonly (readonly [x: number, y: number])[])[];
}

/** Sizes of the letters in a label. */
export const labelSize = 13;
export const detailSize = 10;
const nodeHeight = 40;
/** Above this many edges the arrows are straight lines and graphviz looks less long for fewer crossings. */
const manyEdges = 1500;
/** Nodes and edges together; beyond, graphviz takes minutes, and nobody can read what comes out. */
const mostElements = 40_000;

/**
 * Places nodes and edges with graphviz's `dot` (as WebAssembly, loaded at first use). Only sizes go in, never a name.
 */
export async function layOut(picture: Picture): Promise<Layout> {
  if (picture.nodes.length + picture.edges.length > mostElements)
    throw tooLarge(`it has ${picture.nodes.length} nodes and ${picture.edges.length} arrows`);
  const sizes = picture.nodes.map((node) => ({ width: nodeWidth(node), height: nodeHeight }));
  const source = [
    `digraph{graph[rankdir=${picture.rankdir} nodesep=0.22 ranksep=0.42${picture.edges.length > manyEdges ? ' splines=line nslimit=2 nslimit1=2 mclimit=0.2' : ''}]`,
    'node[shape=box label="" fixedsize=true]edge[arrowhead=none]',
    ...sizes.map(({ width, height }, i) => `n${i}[width=${width / 72} height=${height / 72}]`),
    ...picture.edges.map(({ from, to }) => `n${from}->n${to}`),
    '}',
  ].join('\n');
  return parseLayout(await runGraphviz(source), sizes, picture);
}

function nodeWidth(node: PictureNode): number {
  const text = Math.max(textWidth(node.label) * labelSize * 1.06, textWidth(node.detail) * detailSize * 1.06);
  return Math.round(Math.min(280, Math.max(64, text + 24))) + (node.count > 1 ? 5 : 0);
}

async function runGraphviz(source: string): Promise<string> {
  const { Graphviz } = await import('@hpcc-js/wasm-graphviz');
  const graphviz = await Graphviz.load();
  try {
    return graphviz.layout(source, 'json', 'dot');
  } catch (error) {
    // it may have died in the middle of something: the next picture gets a fresh one
    Graphviz.unload();
    throw tooLarge('graphviz gave up on it', error);
  }
}

function tooLarge(why: string, cause?: unknown): HeddleError {
  const message = `the graph is too large or too deep to be laid out (${why}); draw it grouped by name (leave option group unset), or take format "dot", "mermaid" or "json", which need no layout`;
  return new HeddleError('ERR_UNSUPPORTED', message, { cause });
}

type Point = readonly [x: number, y: number];

/** Graphviz's `json` writes each shape it would draw, to a thousandth of a point (its `pos` has five digits only, too few for wide graphs). */
function parseLayout(text: string, sizes: readonly { readonly width: number; readonly height: number }[], picture: Picture): Layout {
  const drawn = JSON.parse(text) as {
    readonly objects?: readonly { readonly name: string; readonly _draw_?: readonly Shape[] }[];
    readonly edges?: readonly { readonly tail: number; readonly head: number; readonly _draw_?: readonly Shape[] }[];
  };
  interface Shape {
    readonly op: string;
    readonly points?: readonly Point[];
  }
  const pointsOf = (shapes: readonly Shape[] | undefined): readonly Point[] =>
    shapes?.find((shape) => shape.points !== undefined)?.points ?? [];
  const bounds = {
    left: Number.POSITIVE_INFINITY,
    right: Number.NEGATIVE_INFINITY,
    low: Number.POSITIVE_INFINITY,
    high: Number.NEGATIVE_INFINITY,
  };
  const see = (points: readonly Point[]): readonly Point[] => {
    for (const [x, y] of points) {
      bounds.left = Math.min(bounds.left, x);
      bounds.right = Math.max(bounds.right, x);
      bounds.low = Math.min(bounds.low, y);
      bounds.high = Math.max(bounds.high, y);
    }
    return points;
  };
  const middles: Point[] = new Array(sizes.length);
  const rowOfObject: number[] = [];
  for (const object of drawn.objects ?? []) {
    const row = Number(object.name.slice(1));
    rowOfObject.push(row);
    const corners = see(pointsOf(object._draw_));
    const xs = corners.map(([x]) => x);
    const ys = corners.map(([, y]) => y);
    middles[row] = [(Math.min(...xs) + Math.max(...xs)) / 2, (Math.min(...ys) + Math.max(...ys)) / 2];
  }
  const curves = new Map<number, readonly Point[]>();
  for (const edge of drawn.edges ?? []) {
    const pair = (rowOfObject[edge.tail] ?? 0) * sizes.length + (rowOfObject[edge.head] ?? 0);
    curves.set(pair, see(pointsOf(edge._draw_)));
  }
  const flip = ([x, y]: Point): Point => [x - bounds.left, bounds.high - y];
  const nodes = sizes.map((size, row): PlacedNode => {
    const [x, y] = flip(middles[row] ?? [0, 0]);
    return { x, y, ...size };
  });
  const edges = picture.edges.map(({ from, to }) => (curves.get(from * sizes.length + to) ?? []).map(flip));
  const isEmpty = bounds.right < bounds.left;
  return { width: isEmpty ? 0 : bounds.right - bounds.left, height: isEmpty ? 0 : bounds.high - bounds.low, nodes, edges };
}
