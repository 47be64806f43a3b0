import type { Command } from 'commander';
import type { GraphFormat } from '../../graph/index.ts';
import type { PictureColor, RankDirection } from '../inspect/picture.ts';

interface GraphFlags {
  readonly export?: readonly string[];
  readonly output?: string;
  readonly format?: GraphFormat;
  readonly color?: PictureColor;
  readonly rankdir?: RankDirection;
  readonly optimize?: boolean;
  readonly group?: boolean;
}

/** `heddle graph FILE`: draws the Values that a module exports. */
export function addGraph(program: Command): void {
  program
    .command('graph')
    .description('draw the graph of the Values that a module exports; nothing runs')
    .argument('<file>', 'a module (.mjs, .js, .cjs; .ts where tsx is installed)')
    .option('-e, --export <names...>', 'only these exports')
    .option('-o, --output <path>', 'write a file (default: the picture goes to stdout)')
    .option('-f, --format <format>', 'svg, html, dot, mermaid, json (default: by the ending of the path, else svg)')
    .option('-c, --color <what>', 'what colours say: name, order, worker, status, time (default: name)')
    .option('--rankdir <direction>', 'where it grows to: BT, TB, LR, RL (default: BT)')
    .option('--optimize', 'draw the plan instead of what was written')
    .option('--group', 'one node for all tasks of a name (default: above 500 tasks)')
    .option('--no-group', 'one node a task')
    .action(async (file: string, flags: GraphFlags) => {
      const { loadValues } = await import('./load-values.ts');
      const { visualize } = await import('../inspect/visualize.ts');
      const values = await loadValues(file, flags.export);
      const { format, color, rankdir, optimize, group } = flags;
      const drawn = await visualize(values, flags.output, { format, color, rankdir, optimize, group });
      process.stdout.write(flags.output === undefined ? drawn : `${drawn}\n`);
    });
}
