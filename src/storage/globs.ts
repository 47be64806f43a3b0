/**
 * Globs: `*` and `?` inside a name, `**` for any number of directories, `[a-z]` and `[!a-z]`, `{a,b}`. Everything else means itself, and a leading dot is a character like any other,
 * so that `dir/**` is what `dir/` is. A pattern is matched name by name, and only directories that can still match are looked into:
 *
 *     /data/20*\/**\/*.csv   →   /data · names like 20* · any depth · names like *.csv
 */
import { createRequire } from 'node:module';
import type picomatch from 'picomatch';

/** One step of a glob, from left to right. */
export type GlobStep =
  | { readonly kind: 'name'; readonly name: string }
  | { readonly kind: 'match'; readonly matches: (name: string) => boolean }
  | { readonly kind: 'deep' };

/** A glob as a fixed directory and the steps below it. */
export interface Glob {
  /** Ends with `/`, unless the pattern begins with a step. */
  readonly prefix: string;
  readonly steps: readonly GlobStep[];
}

/** Whether a text has characters that a glob gives a meaning to. */
export function hasGlob(text: string): boolean {
  return /[*?[{]/.test(text);
}

/** The globs that a pattern stands for: several only where braces hold a slash. A closing `/` means all files below. */
export function parseGlob(pattern: string): readonly Glob[] {
  const whole = pattern.endsWith('/') ? `${pattern}**` : pattern;
  return expandDeepBraces(whole).map(parseFlat);
}

/** A test for whole paths, for storages that list flat keys. */
export function globMatcher(pattern: string): (path: string) => boolean {
  const globs = parseGlob(pattern);
  return (path) =>
    globs.some((glob) => path.startsWith(glob.prefix) && matchesSteps(path.slice(glob.prefix.length).split('/'), glob.steps));
}

function parseFlat(pattern: string): Glob {
  const names = splitOutside(pattern, '/');
  let fixed = 0;
  while (fixed < names.length - 1 && !hasGlob(names[fixed]!)) fixed++;
  const prefix = names
    .slice(0, fixed)
    .map((name) => `${name}/`)
    .join('');
  const steps: GlobStep[] = [];
  for (const name of names.slice(fixed)) {
    if (name === '**') {
      if (steps.at(-1)?.kind !== 'deep') steps.push({ kind: 'deep' });
    } else steps.push(hasGlob(name) ? { kind: 'match', matches: compileName(name) } : { kind: 'name', name });
  }
  return { prefix, steps };
}

// The states of the classic automaton: `reached` holds the steps that the names so far may have come to.
function matchesSteps(names: readonly string[], steps: readonly GlobStep[]): boolean {
  const pastDeep = (step: number): number[] => (steps[step]?.kind === 'deep' ? [step, step + 1] : [step]);
  let reached = new Set(pastDeep(0));
  for (const [position, name] of names.entries()) {
    const next = new Set<number>();
    for (const at of reached) {
      const step = steps[at];
      if (step === undefined) continue;
      if (step.kind === 'deep') for (const to of pastDeep(at)) next.add(to);
      else if (step.kind === 'name' ? step.name === name : step.matches(name)) for (const to of pastDeep(at + 1)) next.add(to);
    }
    // `dir/**` wants a file below `dir`: the last step being `**`, the last name is its file.
    if (position === names.length - 1 && steps.at(-1)?.kind === 'deep' && reached.has(steps.length - 1)) return true;
    reached = next;
  }
  return steps.at(-1)?.kind !== 'deep' && reached.has(steps.length);
}

let loaded: typeof picomatch | undefined;

/** A test for one name. */
export function compileName(glob: string): (name: string) => boolean {
  loaded ??= createRequire(import.meta.url)('picomatch') as typeof picomatch;
  // Its own matcher would also take a name that is the glob's text.
  const pattern = loaded.makeRe(plainSyntax(glob), { dot: true, noextglob: true, nonegate: true });
  return (name) => pattern.test(name);
}

/** Leaves a pattern the syntax above alone: what picomatch would take for more (`!`, `+(…)`, `|`, an open brace) is escaped, and `[!…]` becomes `[^…]`. */
function plainSyntax(glob: string): string {
  let out = '';
  for (let i = 0; i < glob.length; i++) {
    const char = glob[i]!;
    if (char === '\\' && i + 1 < glob.length) out += char + glob[++i]!;
    else if (char === '[' && closingBracket(glob, i) > 0) {
      const end = closingBracket(glob, i);
      const negated = glob[i + 1] === '!' || glob[i + 1] === '^';
      const inside = glob.slice(i + (negated ? 2 : 1), end);
      out += `[${negated ? '^' : ''}${inside.replace(/[\\[\]^]/g, '\\$&')}]`;
      i = end;
    } else if (char === '{' && closingBrace(glob, i) < 0) out += '\\{';
    else out += '()[]+@!|$^\\'.includes(char) ? `\\${char}` : char;
  }
  return out;
}

// `]` right after the opening (or its `!`) stands for itself.
function closingBracket(text: string, open: number): number {
  const first = text[open + 1] === '!' || text[open + 1] === '^' ? open + 2 : open + 1;
  return text.indexOf(']', first + 1);
}

function closingBrace(text: string, open: number): number {
  let depth = 0;
  for (let i = open; i < text.length; i++) {
    if (text[i] === '\\') i++;
    else if (text[i] === '{') depth++;
    else if (text[i] === '}' && --depth === 0) return i;
  }
  return -1;
}

/** Splits at a character that lies outside braces. */
function splitOutside(text: string, separator: string): string[] {
  const parts: string[] = [];
  let start = 0;
  for (let i = 0; i < text.length; i++) {
    const close = text[i] === '{' ? closingBrace(text, i) : -1;
    if (close > 0) i = close;
    else if (text[i] === '\\' && i + 1 < text.length) i++;
    else if (text[i] === separator) {
      parts.push(text.slice(start, i));
      start = i + 1;
    }
  }
  parts.push(text.slice(start));
  return parts;
}

// Braces with a slash inside reach over names, so they are written out; all others are left to the matcher.
function expandDeepBraces(pattern: string): string[] {
  const done: string[] = [];
  const open = [pattern];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const found = firstDeepBrace(next);
    if (found === undefined) done.push(next);
    else {
      const { start, end } = found;
      for (const part of splitOutside(next.slice(start + 1, end), ',').reverse())
        open.push(next.slice(0, start) + part + next.slice(end + 1));
    }
  }
  return done;
}

function firstDeepBrace(text: string): { readonly start: number; readonly end: number } | undefined {
  for (let i = 0; i < text.length; i++) {
    if (text[i] === '\\') i++;
    else if (text[i] === '{') {
      const end = closingBrace(text, i);
      if (end < 0) continue;
      const inside = text.slice(i + 1, end);
      if (inside.includes('/') && splitOutside(inside, ',').length > 1) return { start: i, end };
      if (!inside.includes('/')) i = end;
    }
  }
  return undefined;
}
