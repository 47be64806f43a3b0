import type { Command } from 'commander';

/** `heddle bench`: a quick measure of this machine. */
export function addBench(program: Command): void {
  program
    .command('bench')
    .description('measure this machine quickly: medians of some runs, with their spread')
    .option('--runs <count>', 'runs of each measure', '5')
    .option('--json', 'as JSON')
    .action(async (flags: { readonly runs: string; readonly json?: boolean }) => {
      const { UsageError } = await import('./command.ts');
      const runs = Number(flags.runs);
      if (!Number.isInteger(runs) || runs < 1 || runs > 1000)
        throw new UsageError(`--runs must be a whole number from 1 to 1000; it is ${JSON.stringify(flags.runs)}`);
      const { measures, runMeasure } = await import('./measures.ts');
      const results = [];
      for (const measure of measures) {
        if (!flags.json) process.stdout.write(`${measure.name.padEnd(34)}`);
        const result = await runMeasure(measure, runs);
        results.push(result);
        if (!flags.json)
          process.stdout.write(
            `${rate(result.median).padStart(9)} ${result.unit.padEnd(8)} (${rate(result.least)} to ${rate(result.most)})\n`,
          );
      }
      if (flags.json) process.stdout.write(`${JSON.stringify({ node: process.version, runs, results }, undefined, 2)}\n`);
    });
}

/** Three digits: `1.23 M`, `45.6 k`, `789`. */
function rate(perSecond: number): string {
  if (perSecond >= 1e6) return `${Number((perSecond / 1e6).toPrecision(3))} M`;
  if (perSecond >= 1e3) return `${Number((perSecond / 1e3).toPrecision(3))} k`;
  return String(Number(perSecond.toPrecision(3)));
}
