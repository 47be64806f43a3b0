import type { Renderer } from './renderer.ts';
import { visible } from './text.ts';

/**
 * Graphviz's own language. Node names are ours (`n12`); what others wrote stands in quoted strings only.
 * Those know three things beside the closing quote: `\N` and its kin, HTML entities, and line breaks.
 */
export const dot: Renderer = {
  format: 'dot',
  endings: ['.dot', '.gv'],
  render(picture) {
    const nodes = picture.nodes.map((node, i) => {
      const { fill, ink, border } = node.paint;
      const style = node.kind === 'call' ? 'rounded,filled' : 'filled';
      const tooltip = node.facts.flatMap(([name, text]) => `${name}: ${text}`.split('\n').map(dotText)).join('\\n');
      const output = node.isOutput ? ' penwidth=2.5' : '';
      return `  n${i} [label="${dotText(node.label)}\\n${dotText(node.detail)}" tooltip="${tooltip}" style="${style}" fillcolor="${fill}" fontcolor="${ink}" color="${border}"${output}]`;
    });
    const edges = picture.edges.map(
      ({ from, to, count }) => `  n${from} -> n${to}${count > 1 ? ` [label="${count}" penwidth=${edgeWidth(count)}]` : ''}`,
    );
    return [
      'digraph heddle {',
      `  graph [rankdir=${picture.rankdir} bgcolor=transparent nodesep=0.25 ranksep=0.45]`,
      '  node [shape=box fontname="Helvetica,Arial,sans-serif" fontsize=12 margin="0.16,0.07"]',
      '  edge [color="#8b95a5" arrowsize=0.7 fontname="Helvetica,Arial,sans-serif" fontsize=10 fontcolor="#768390"]',
      ...nodes,
      ...edges,
      '}',
      '',
    ].join('\n');
  },
};

/** Text for inside a quoted string. */
export function dotText(text: string): string {
  return visible(text).replace(/[\\"&]/g, (character) => (character === '&' ? '&amp;' : `\\${character}`));
}

/** Wider for an arrow that stands for many, by powers of ten. */
export function edgeWidth(count: number): number {
  return Math.round((1.2 + Math.log10(count) * 0.7) * 10) / 10;
}
