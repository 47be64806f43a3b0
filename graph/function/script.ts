import { readFileSync } from 'node:fs';
import { isAbsolute } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import {
  isInModule,
  isListed,
  isMainRealm,
  type Look,
  look,
  type RawScript,
  rawScript,
  rawScriptAndSource,
  rawScripts,
  rawSource,
  runningScriptUrl,
} from './inspect.ts';
import { type FunctionSite, parseAlone, parseScript, siteAt, type Unit } from './parse.ts';

/** A place in a script, counted from 0. */
export interface Place {
  readonly line: number;
  readonly column: number;
}

/** One script of this process. */
export class Script {
  readonly id: string;
  /** A URL where V8 has a path; `''` for nameless code. */
  readonly url: string;
  readonly isModule: boolean;
  readonly sourceMapURL: string;
  readonly #raw: RawScript;
  #source: string | undefined;
  #unit: Unit | undefined | null;
  #lineStarts: number[] | undefined;

  constructor(raw: RawScript, source?: string) {
    this.id = raw.scriptId;
    this.url = isAbsolute(raw.url) ? pathToFileURL(raw.url).href : raw.url;
    this.isModule = raw.isModule === true;
    this.sourceMapURL = raw.sourceMapURL ?? '';
    this.#raw = raw;
    this.#source = source;
  }

  get isFile(): boolean {
    return this.url.startsWith('file:');
  }

  /** A test runner made it, with a way of its own to resolve what it imports. */
  get isVirtual(): boolean {
    return this.#raw.executionContextAuxData?.isDefault === false;
  }

  get isInternal(): boolean {
    return this.url.startsWith('node:');
  }

  /** The path, without a query. */
  get path(): string {
    return fileURLToPath(new URL(this.url));
  }

  get source(): string {
    this.#source ??= this.#fromDisk() ?? rawSource(this.id);
    return this.#source;
  }

  /** `undefined`: its text is beyond the parser. */
  get unit(): Unit | undefined {
    if (this.#unit === undefined) {
      try {
        this.#unit = parseScript(this.source, this.isModule);
      } catch {
        this.#unit = null;
      }
    }
    return this.#unit ?? undefined;
  }

  /** A file that is loaded as it lies on disk needs no listing of all scripts. */
  #fromDisk(): string | undefined {
    if (!this.isFile || this.#raw.length === undefined || this.sourceMapURL.startsWith('data:')) return undefined;
    try {
      const text = readFileSync(this.path, 'utf8');
      return text.length === this.#raw.length ? text : undefined;
    } catch {
      return undefined;
    }
  }

  offsetOf({ line, column }: Place): number {
    const row = line - this.#raw.startLine;
    return (this.#lines()[row] ?? 0) + (row === 0 ? column - this.#raw.startColumn : column);
  }

  placeOf(offset: number): Place {
    const lines = this.#lines();
    let low = 0;
    let high = lines.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((lines[middle] as number) <= offset) low = middle;
      else high = middle - 1;
    }
    const column = offset - (lines[low] as number);
    return { line: low + this.#raw.startLine, column: low === 0 ? column + this.#raw.startColumn : column };
  }

  #lines(): number[] {
    if (this.#lineStarts === undefined) {
      this.#lineStarts = [0];
      for (const match of this.source.matchAll(/\r\n|[\n\r\u2028\u2029]/g)) this.#lineStarts.push(match.index + match[0].length);
    }
    return this.#lineStarts;
  }
}

const known = new Map<string, Script>();

/** The script of an id that V8 gave. */
export function scriptOf(id: string): Script | undefined {
  let script = known.get(id);
  if (script !== undefined) return script;
  if (isListed(id)) {
    const raw = rawScript(id);
    script = raw && new Script(raw);
  } else {
    const found = rawScriptAndSource(id);
    script = found && new Script(found.raw, found.source);
  }
  if (script !== undefined) known.set(id, script);
  return script;
}

/**
 * A function is mostly captured by the script it lies in, which is running, and mostly as it lies on disk: then no list of all scripts is needed,
 * which V8 takes 30 ms to give. That the function's text is in the file at its place is the proof.
 */
export function runningScript(fn: object, { location }: Look): Script | undefined {
  if (location === undefined) return undefined;
  const script = known.get(location.scriptId);
  if (script !== undefined || isListed(location.scriptId) || !isMainRealm()) return script;
  const url = runningScriptUrl(location.scriptId);
  if (url === undefined || !(url.startsWith('file:') || isAbsolute(url))) return undefined;
  try {
    const source = readFileSync(isAbsolute(url) ? url : fileURLToPath(new URL(url)), 'utf8');
    const found = new Script(
      { scriptId: location.scriptId, url, startLine: 0, startColumn: 0, isModule: isInModule(fn), sourceMapURL: sourceMapOf(source) },
      source,
    );
    const text = Function.prototype.toString.call(fn);
    const at = found.offsetOf(location);
    const start = source.lastIndexOf(text, at);
    if (start < 0 || at >= start + text.length || found.unit === undefined) return undefined;
    known.set(location.scriptId, found);
    return found;
  } catch {
    return undefined;
  }
}

/** The comment at a file's end that names its map. */
export function sourceMapOf(source: string): string {
  return /^\/\/[#@] sourceMappingURL=(\S+)\s*$/m.exec(source.slice(source.lastIndexOf('\n//') + 1))?.[1] ?? '';
}

/** The newest script of a URL, of those that are known. */
export function scriptByUrl(url: string): Script | undefined {
  for (const script of known.values()) if (script.url === url || (isAbsolute(url) && script.url === pathToFileURL(url).href)) return script;
  let found: RawScript | undefined;
  for (const raw of rawScripts()) if (raw.url === url || (isAbsolute(raw.url) && pathToFileURL(raw.url).href === url)) found = raw;
  return found && scriptOf(found.scriptId);
}

/** A function's place, parsed. */
export interface Located {
  readonly script: Script;
  readonly site: FunctionSite;
  /** Where its text begins in the script. */
  readonly offset: number;
}

const locatedFunctions = new WeakMap<object, Located | SyntaxError>();

/** Finds a function's text in its script. `undefined`: native. Throws SyntaxError where no parser can help. */
export function locate(fn: object, seen: Look = look(fn)): Located | undefined {
  const cached = locatedFunctions.get(fn);
  if (cached !== undefined) {
    if (cached instanceof SyntaxError) throw cached;
    return cached;
  }
  if (seen.location === undefined) return undefined;
  const script = scriptOf(seen.location.scriptId);
  if (script === undefined) return undefined;
  const text = Function.prototype.toString.call(fn);
  const start = script.source.lastIndexOf(text, script.offsetOf(seen.location));
  const offset = start < 0 ? script.offsetOf(seen.location) : start;
  const whole = start < 0 || script.unit === undefined ? undefined : siteAt(script.unit, start);
  let located: Located;
  if (whole !== undefined && whole.textEnd === start + text.length) located = { script, site: whole, offset };
  else {
    try {
      const { unit, offset: inAlone } = parseAlone(text, script.isModule);
      const site = siteAt(unit, inAlone);
      if (site === undefined) throw new SyntaxError('the text is no function');
      located = { script, site, offset };
    } catch (error) {
      const failure = new SyntaxError(error instanceof Error ? error.message : String(error));
      locatedFunctions.set(fn, failure);
      throw failure;
    }
  }
  locatedFunctions.set(fn, located);
  return located;
}
