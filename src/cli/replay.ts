import type { Command } from 'commander';
import { UsageError } from './command.ts';

/** `heddle replay FILE`: goes through a run that was recorded with `new Executor({ record })`. */
export function addReplay(program: Command): void {
  program
    .command('replay')
    .description('go through a recorded run again: does the scheduler decide as it did then? nothing runs')
    .argument('<file>', 'what `new Executor({ record: file })` wrote')
    .option('--story <key>', 'what happened to a task, in order')
    .option('--explain <key>', 'why a task ran where it ran')
    .action(async (file: string, flags: { readonly story?: string; readonly explain?: string }) => {
      const { replay } = await import('../../runtime/index.ts');
      const report = await replay(file);
      const say = (line: string): void => void process.stdout.write(`${line}\n`);
      if (flags.story !== undefined) {
        const story = report.story(flags.story);
        if (story.length === 0) throw new UsageError(`nothing is known of ${flags.story} at the end of ${file}`);
        for (const { time, from, to, why } of story) say(`${new Date(time).toISOString()}  ${from} → ${to}: ${why}`);
      }
      if (flags.explain !== undefined) {
        const explanation = report.explain(flags.explain);
        if (explanation === undefined) throw new UsageError(`nothing is known of ${flags.explain} at the end of ${file}`);
        say(explanation.text);
      }
      if (report.differs !== undefined) {
        const { line, kind, recorded, replayed } = report.differs;
        throw new UsageError(`line ${line} (${kind}) was decided otherwise then:\n  then ${recorded}\n  now  ${replayed}`);
      }
      const cut = report.isCut ? '; its last line is cut off' : '';
      if (flags.story === undefined && flags.explain === undefined) say(`${report.steps} steps, all decided as they were then${cut}`);
    });
}
