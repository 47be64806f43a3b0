import { availableParallelism, cpus, totalmem } from 'node:os';
import type { Command } from 'commander';
import { bytesText } from '../inspect/text.ts';
import { packageVersion } from './version.ts';

/** `heddle info`: what heddle sees of this machine. */
export function addInfo(program: Command): void {
  program
    .command('info')
    .description('say what heddle sees of this machine, and what it does unless told otherwise')
    .option('--json', 'as JSON')
    .action((flags: { readonly json?: boolean }) => {
      const facts = gatherInfo();
      if (flags.json) process.stdout.write(`${JSON.stringify(facts, undefined, 2)}\n`);
      else process.stdout.write(infoText(facts));
    });
}

interface Info {
  readonly heddle: string;
  readonly node: string;
  readonly platform: string;
  readonly processor: string;
  readonly cores: number;
  readonly memory: number;
  /** Less than `memory` in a container with a limit. */
  readonly usableMemory: number;
  readonly engines: readonly string[];
  readonly defaults: Readonly<Record<string, string | number | boolean>>;
}

function gatherInfo(): Info {
  const memory = totalmem();
  const limit = process.constrainedMemory?.() ?? 0;
  const usableMemory = limit > 0 && limit < memory ? limit : memory;
  return {
    heddle: packageVersion(),
    node: process.version,
    platform: `${process.platform} ${process.arch}`,
    processor: cpus()[0]?.model.trim() ?? 'unknown',
    cores: availableParallelism(),
    memory,
    usableMemory,
    engines: ['threads', 'inline'],
    defaults: {
      engine: 'threads',
      workers: availableParallelism(),
      retries: 0,
      allowedFailures: 3,
      sharedMemory: false,
      blockSize: '128 MiB',
    },
  };
}

function infoText(info: Info): string {
  const memory = info.usableMemory < info.memory ? `${bytesText(info.usableMemory)} of ${bytesText(info.memory)}` : bytesText(info.memory);
  const lines: [string, string][] = [
    ['heddle', info.heddle],
    ['node', `${info.node} on ${info.platform}`],
    ['processor', info.processor],
    ['cores', String(info.cores)],
    ['memory', memory],
    ['engines', info.engines.join(', ')],
    [
      'defaults',
      Object.entries(info.defaults)
        .map(([name, value]) => `${name}: ${value}`)
        .join(', '),
    ],
  ];
  return lines.map(([name, text]) => `${name.padEnd(11)}${text}\n`).join('');
}
