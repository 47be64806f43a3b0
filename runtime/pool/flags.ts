import type { ResourceLimits } from 'node:worker_threads';

/** Flags of the caller's process that would make a worker do something else than work. */
const notForWorkers =
  /^(-e|--eval|-p|--print|-c|--check|-i|--interactive|--test\b|--test-.*|--watch.*|--input-type.*|--inspect.*|--experimental-vm-modules)/;
/** Flags that load a module first. */
const loaders = /^(--import|--require|-r|--loader|--experimental-loader)\b/;
/** Flags whose value may follow as a word that begins with a dash. */
const withText = new Set(['-e', '--eval', '-p', '--print', '-pe']);

/**
 * Node's flags without those that belong to the caller's own run, and without TypeScript loaders, which a worker starts by itself;
 * `undefined` when that is all of them: then a worker inherits them, and Node itself sorts out which are for threads.
 */
export function flagsForWorkers(flags: readonly string[]): string[] | undefined {
  const kept = grouped(flags).filter(([flag, value]) => {
    if (notForWorkers.test(flag!)) return false;
    return !(loaders.test(flag!) && /\btsx\b/.test(`${flag} ${value}`));
  });
  const words = kept.flat();
  return words.length === flags.length ? undefined : words;
}

/** Flags of a worker process: those of the caller that are for workers, and V8's for its limits. */
export function flagsForProcesses(flags: readonly string[], limits: ResourceLimits = {}): string[] {
  const { maxOldGenerationSizeMb, maxYoungGenerationSizeMb, stackSizeMb } = limits;
  return [
    ...(flagsForWorkers(flags) ?? flags),
    ...(maxOldGenerationSizeMb === undefined ? [] : [`--max-old-space-size=${maxOldGenerationSizeMb}`]),
    ...(maxYoungGenerationSizeMb === undefined ? [] : [`--max-semi-space-size=${Math.max(1, Math.ceil(maxYoungGenerationSizeMb / 3))}`]), // V8 has three of them
    ...(stackSizeMb === undefined ? [] : [`--stack-size=${Math.floor(stackSizeMb * 1024 - 192)}`]), // what lies beyond V8's own part is Node's
  ];
}

/** The flags without those that Node's refusal names: what is V8's or the whole process's is in force for its threads anyway. */
export function withoutRefused(flags: readonly string[], refusal: string): string[] {
  const refused = new Set(refusal.slice(refusal.indexOf(': ') + 2).split(', '));
  const words = grouped(flags)
    .filter(([flag]) => !refused.has(flag!))
    .flat();
  return words.length < flags.length ? words : [];
}

/** Each flag with its value, where that is a word of its own. */
function grouped(flags: readonly string[]): string[][] {
  const groups: string[][] = [];
  for (const word of flags) {
    const last = groups.at(-1);
    if (last?.length === 1 && (!word.startsWith('-') || withText.has(last[0]!))) last.push(word);
    else groups.push([word]);
  }
  return groups;
}
