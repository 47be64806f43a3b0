import { HeddleError } from '../../graph/index.ts';

/** From here on no task ends its worker by mistake: `process.exit` throws, and what nobody catches goes to `stray`. */
export function guardWorker(stray: (error: unknown) => void): void {
  process.exit = (code): never => {
    throw new HeddleError(
      'ERR_TASK',
      `process.exit(${code ?? ''}) was called in a task, which would end its worker; throw an error, or return`,
    );
  };
  process.on('uncaughtException', stray);
  process.on('unhandledRejection', stray);
}
