import type { Command } from 'commander';

/** `heddle plan FILE`: what would happen to the Values that a module exports. */
export function addPlan(program: Command): void {
  program
    .command('plan')
    .description('say what would happen to the Values that a module exports; nothing runs')
    .argument('<file>', 'a module (.mjs, .js, .cjs; .ts where tsx is installed)')
    .option('-e, --export <names...>', 'only these exports')
    .option('--json', 'as JSON')
    .action(async (file: string, flags: { readonly export?: readonly string[]; readonly json?: boolean }) => {
      const { loadValues } = await import('./load-values.ts');
      const { plan } = await import('../inspect/plan-report.ts');
      const { text, tasksByWorker, ...numbers } = await plan(await loadValues(file, flags.export));
      process.stdout.write(
        flags.json ? `${JSON.stringify({ ...numbers, tasksByWorker: Object.fromEntries(tasksByWorker) }, undefined, 2)}\n` : `${text}\n`,
      );
    });
}
