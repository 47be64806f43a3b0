import type { Renderer } from './renderer.ts';
import { visible } from './text.ts';

/**
 * Mermaid's flowchart, as GitHub shows it. Mermaid looks for directives, comments, quotes and markup all over its text,
 * so all but letters, digits and four harmless signs is written as its character codes (`#34;`).
 */
export const mermaid: Renderer = {
  format: 'mermaid',
  endings: ['.mmd', '.mermaid'],
  render(picture) {
    const lines = [`flowchart ${picture.rankdir}`];
    const classes = new Map<string, { readonly nodes: string[]; readonly style: string }>();
    for (const [i, node] of picture.nodes.entries()) {
      const [open, close] = node.kind === 'call' ? ['(', ')'] : ['[', ']'];
      lines.push(`  n${i}${open}"${mermaidText(node.label)}<br/>${mermaidText(node.detail)}"${close}`);
      const { fill, ink, border } = node.paint;
      const style = `fill:${fill},color:${ink},stroke:${border}${node.isOutput ? ',stroke-width:3px' : ''}`;
      const known = classes.get(style);
      if (known === undefined) classes.set(style, { nodes: [`n${i}`], style });
      else known.nodes.push(`n${i}`);
    }
    for (const { from, to, count } of picture.edges) lines.push(count > 1 ? `  n${from} -->|${count}| n${to}` : `  n${from} --> n${to}`);
    for (const [i, { nodes, style }] of [...classes.values()].entries())
      lines.push(`  classDef c${i} ${style}`, `  class ${nodes.join(',')} c${i}`);
    lines.push('');
    return lines.join('\n');
  },
};

/** Where mermaid looks again after it has decoded: formulas (`$$x$$`), icons (`fa:fa-x`), line breaks (`\n`). A space without width stands in the way. */
const readAgain = /\$(?=\$)|:(?=fa-)|\\(?=n)/gi;

/** Text for inside a quoted label. Mermaid reads markdown there (`__init__`, `1. x`), so `_` and `.` stay only inside words. */
export function mermaidText(text: string): string {
  return visible(text)
    .replace(readAgain, '$&\u200b')
    .replace(/[^\p{L}\p{N} _.…×·]|(?<![\p{L}\p{N}])[_.]|[_.](?![\p{L}\p{N}])/gu, (character) => `#${character.codePointAt(0)};`);
}
