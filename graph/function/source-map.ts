import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { isAbsolute } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { TraceMap } from '@jridgewell/trace-mapping';
import type { Place } from './script.ts';
import { Script, scriptByUrl, sourceMapOf } from './script.ts';

/** A place in what the user wrote: a path (or URL), line and column from 1. */
export interface UserPlace {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

const maps = new WeakMap<Script, TraceMap | null>();

function mapping(): typeof import('@jridgewell/trace-mapping') {
  return createRequire(import.meta.url)('@jridgewell/trace-mapping');
}

function mapOf(script: Script): TraceMap | undefined {
  let map = maps.get(script);
  if (map === undefined) {
    map = null;
    try {
      const text = mapText(script);
      if (text !== undefined) map = new (mapping().TraceMap)(text, script.url);
    } catch {
      // a map that is damaged or gone: the script's own lines are shown
    }
    maps.set(script, map);
  }
  return map ?? undefined;
}

function mapText(script: Script): string | undefined {
  const url = script.sourceMapURL;
  if (url === '') return undefined;
  if (url.startsWith('data:')) {
    const comma = url.indexOf(',');
    const body = url.slice(comma + 1);
    return url.slice(0, comma).endsWith(';base64') ? Buffer.from(body, 'base64').toString('utf8') : decodeURIComponent(body);
  }
  return readFileSync(new URL(url, script.url), 'utf8');
}

/** Where a place of a script lies in what the user wrote. */
export function userPlace(script: Script, { line, column }: Place): UserPlace {
  const map = mapOf(script);
  const original = map && mapping().originalPositionFor(map, { line: line + 1, column });
  if (original?.source) return { file: readable(original.source), line: original.line, column: original.column + 1 };
  return { file: readable(script.url), line: line + 1, column: column + 1 };
}

/** Maps a place in the text of a stack; `undefined`: nothing to map. `transpiledInPlace`: also where source and script have one URL. */
export function mapPlace(url: string, place: Place, transpiledInPlace: boolean): UserPlace | undefined {
  const script = scriptByUrl(url) ?? scriptOnDisk(url);
  if (script === undefined || script.sourceMapURL === '') return undefined;
  const found = userPlace(script, place);
  return !transpiledInPlace && found.file === readable(script.url) ? undefined : found;
}

/** Read once: a map costs milliseconds, and errors come by the thousand. */
const onDisk = new Map<string, Script | undefined>();

/** A module that only a worker has loaded. */
function scriptOnDisk(url: string): Script | undefined {
  if (!url.startsWith('file:') && !isAbsolute(url)) return undefined;
  if (onDisk.has(url)) return onDisk.get(url);
  if (onDisk.size >= 100) onDisk.clear();
  const script = readScript(url);
  onDisk.set(url, script);
  return script;
}

function readScript(url: string): Script | undefined {
  try {
    const source = readFileSync(readable(url), 'utf8');
    const sourceMapURL = sourceMapOf(source);
    return sourceMapURL === '' ? undefined : new Script({ scriptId: url, url, startLine: 0, startColumn: 0, sourceMapURL }, source);
  } catch {
    return undefined;
  }
}

function readable(url: string): string {
  if (isAbsolute(url) || !url.startsWith('file:')) return url;
  try {
    return fileURLToPath(url);
  } catch {
    return url;
  }
}
