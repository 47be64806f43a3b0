import type { Renderer } from './renderer.ts';
import { safeJson } from './text.ts';

/**
 * The picture as data, a node or an edge a line: `{ tasks, dependencies, grouped, rankdir, nodes: [{ id, key | keys, name, kind, … }], edges: [{ from, to, count }] }`.
 * `from` and `to` are ids; an id is a position in `nodes`.
 */
export const json: Renderer = {
  format: 'json',
  endings: ['.json'],
  render(picture) {
    const nodes = picture.nodes.map((node, id) =>
      safeJson({
        id,
        ...(node.count === 1 ? { key: node.keys[0] } : { keys: node.keys }),
        name: node.name,
        kind: node.kind,
        count: node.count,
        isOutput: node.isOutput,
        members: node.members,
        order: node.order,
        workers: node.workers,
        hosts: node.hosts,
        bytesToRead: node.bytesToRead,
        status: node.status,
        milliseconds: node.milliseconds,
        color: node.paint.fill,
      }),
    );
    const head = safeJson({
      tasks: picture.tasks,
      dependencies: picture.dependencies,
      grouped: picture.isGrouped,
      rankdir: picture.rankdir,
    });
    return `${head.slice(0, -1)},"nodes":${lines(nodes)},"edges":${lines(picture.edges.map(safeJson))}}\n`;
  },
};

function lines(items: readonly string[]): string {
  return items.length === 0 ? '[]' : `[\n${items.join(',\n')}\n]`;
}
