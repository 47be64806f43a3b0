import { inspect } from 'node:util';
import { Command, CommanderError } from 'commander';
import { addBench } from './bench.ts';
import { addCluster } from './cluster.ts';
import { type AddCommand, UsageError } from './command.ts';
import { addGraph } from './graph.ts';
import { addInfo } from './info.ts';
import { addPlan } from './plan.ts';
import { addReplay } from './replay.ts';
import { packageVersion } from './version.ts';

/** Every command. A new one is a file that exports an AddCommand, and its name here. */
const commands: readonly AddCommand[] = [addGraph, addPlan, addInfo, addReplay, addBench, addCluster];

/** Runs the command line and ends the process: a user's module may have left things open that would keep it. */
export async function runCli(args: readonly string[]): Promise<void> {
  // `heddle graph … | head`: who reads has had enough
  process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1));
  process.once('beforeExit', () => {
    process.stderr.write(
      'heddle: ended in the middle: nothing was left that could go on (does the module await something that never comes?)\n',
    );
    process.exit(1);
  });
  const program = makeProgram();
  let code = 0;
  try {
    await program.parseAsync([...args], { from: 'user' });
  } catch (error) {
    code = 1;
    if (error instanceof CommanderError)
      code = error.exitCode; // it has said its say
    else process.stderr.write(`${failureText(error, args.includes('--verbose'))}\n`);
  }
  process.stdout.write('', () => process.stderr.write('', () => process.exit(code)));
}

/** The program with all commands; for tests and help. */
export function makeProgram(): Command {
  const program = new Command('heddle')
    .description('Parallel task graphs for TypeScript')
    .version(packageVersion(), '--version', 'print the version')
    .helpOption('--help', 'show help')
    .helpCommand(false)
    .option('--verbose', 'show stacks of errors')
    .exitOverride()
    .allowExcessArguments(true)
    .allowUnknownOption(true) // those of a command that is not there are not its worst mistake
    .argument('[command]')
    .usage('<command> [options]')
    .action((name: string | undefined) => {
      const known = program.commands.map((command) => command.name()).join(', ');
      throw new UsageError(
        name === undefined
          ? `a command is needed (known: ${known}); heddle --help tells more`
          : `there is no command ${JSON.stringify(name)} (known: ${known}); heddle --help tells more`,
      );
    });
  for (const add of commands) add(program);
  for (const command of program.commands)
    command.helpOption('--help', 'show help').option('--verbose', 'show stacks of errors').allowExcessArguments(false).exitOverride();
  return program;
}

function failureText(error: unknown, isVerbose: boolean): string {
  if (error instanceof UsageError) return `heddle: ${error.message}`;
  if (isVerbose) return `heddle: ${inspect(error)}`;
  const { name, message, code } = describeFailure(error);
  return `heddle: ${code === undefined ? '' : `${code}: `}${name}${message}`;
}

/** What was thrown may come from another realm, or be no Error. */
function describeFailure(error: unknown): { name: string; message: string; code: string | undefined } {
  if (typeof error !== 'object' || error === null || !('message' in error))
    return { name: '', message: `a ${typeof error} was thrown: ${inspect(error)}`, code: undefined };
  const name = 'name' in error && typeof error.name === 'string' && !['Error', 'HeddleError'].includes(error.name) ? `${error.name}: ` : '';
  const code = 'code' in error && typeof error.code === 'string' ? error.code : undefined;
  return { name: code === undefined ? name : '', message: String(error.message), code };
}
