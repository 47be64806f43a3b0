import { resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { types } from 'node:util';
import { describeWrong, typeError } from '../../graph/index.ts';
import { shownUrl } from './shown-url.ts';

/** A path, a `file:` URL object, or a URL text. */
export type Location = string | URL;

/** A location taken apart as far as heddle cares: which storage, and what that storage is given. */
export interface ParsedLocation {
  /** Lower case; `file` for bare paths. */
  readonly scheme: string;
  /** `file`: an absolute path with `/` between names, and with its closing `/` if it had one. Else the URL's text without its password. May be a glob. */
  readonly path: string;
  /** What the user wrote, without its password: for messages. */
  readonly shown: string;
}

// Two letters at least: `C:\data` is a path. Without `//` only known schemes count, for `log:2015.txt` is a file's name.
const withSlashes = /^([a-z][a-z0-9+.-]+):\/\//i;
const withoutSlashes = /^(file|s3|hdfs|webhdfs|swebhdfs|https?):/i;

/** Parses a path, a URL text or a URL object. Throws TypeError for anything else. */
export function parseLocation(location: unknown): ParsedLocation {
  const text = typeof location === 'string' ? location : urlText(location);
  if (text === undefined)
    throw typeError('ERR_INVALID_ARGUMENT', `a location is a path, a URL text or a URL object; got ${describeLocation(location)}`);
  if (text === '') throw typeError('ERR_INVALID_ARGUMENT', 'the location is an empty text; give a path, a glob or a URL');
  if (text.includes('\0'))
    throw typeError('ERR_INVALID_ARGUMENT', `the location ${JSON.stringify(text)} has a NUL character in it, which no path can have`);
  const match =
    withSlashes.exec(text) ?? withoutSlashes.exec(text) ?? (typeof location === 'string' ? null : /^([a-z][a-z0-9+.-]*):/i.exec(text));
  if (match === null) return { scheme: 'file', path: absolute(text), shown: text };
  const scheme = match[1]!.toLowerCase();
  if (scheme === 'file') return { scheme, path: absolute(filePath(text.slice(5), withoutPassword(text))), shown: text };
  const clean = withoutPassword(scheme + text.slice(scheme.length));
  if (scheme === 's3' && typeof location !== 'string') return decoded(clean);
  return { scheme, path: clean, shown: /^https?$/.test(scheme) ? shownUrl(clean) : clean };
}

/** A URL object has escaped what the key of an object has as it is. */
function decoded(clean: string): ParsedLocation {
  try {
    const path = decodeURIComponent(clean);
    return { scheme: 's3', path, shown: path };
  } catch {
    throw typeError(
      'ERR_INVALID_ARGUMENT',
      `${clean} is no URL of an object: a "%" in it is not followed by two hex digits of UTF-8; write "%" itself as %25, or give a text, in which nothing is escaped`,
    );
  }
}

/** `scheme://user:password@host/…` → `scheme://user@host/…`. */
export function withoutPassword(url: string): string {
  const start = url.indexOf('://') + 3;
  if (start < 3) return url;
  const authorityEnd = endOfAuthority(url, start);
  let at = url.lastIndexOf('@', authorityEnd - 1);
  // A password with an unescaped slash: what follows the colon is no port, so the `@` lies beyond that slash.
  if (at < start && /:(?!\d*$)/.test(url.slice(start, authorityEnd))) at = url.indexOf('@', authorityEnd);
  if (at < start) return url;
  const colon = url.indexOf(':', start);
  return colon < 0 || colon > at ? url : url.slice(0, colon) + url.slice(at);
}

function endOfAuthority(url: string, start: number): number {
  const found = url.slice(start).search(/[/?#]/);
  return found < 0 ? url.length : start + found;
}

/** The path of a `file:` URL whose text after the scheme this is. `?` and `#` are kept: in a glob and in a name they mean themselves. */
function filePath(rest: string, shown: string): string {
  const wrong = (why: string): TypeError => typeError('ERR_INVALID_ARGUMENT', `${shown} is no URL of a local file: ${why}`);
  let path = rest;
  if (rest.startsWith('//')) {
    const slash = rest.indexOf('/', 2);
    const host = slash < 0 ? rest.slice(2) : rest.slice(2, slash);
    if (host !== '' && host !== 'localhost') throw wrong(`it has a host; a local file has none (write file:///path)`);
    path = slash < 0 ? '/' : rest.slice(slash);
  }
  if (/%2f/i.test(path)) throw wrong('it has an escaped slash (%2F) in a name');
  if (/%00/.test(path)) throw wrong('it has an escaped NUL (%00), which no path can have');
  try {
    path = decodeURIComponent(path);
  } catch {
    throw wrong('a "%" in it is not followed by two hex digits of UTF-8; write "%" itself as %25');
  }
  if (sep === '\\' && /^\/[a-z]:/i.test(path)) return fileURLToPath(`file://${path.replaceAll('%', '%25')}`);
  return path;
}

function absolute(path: string): string {
  const plain = sep === '\\' ? path.replaceAll('\\', '/') : path;
  const full = sep === '\\' ? resolve(plain).replaceAll('\\', '/') : resolve(plain);
  return plain.endsWith('/') && !full.endsWith('/') ? `${full}/` : full;
}

// By duck: under a vm context URL is another class.
function urlText(location: unknown): string | undefined {
  if (typeof location !== 'object' || location === null || !('href' in location) || !('protocol' in location)) return undefined;
  return typeof location.href === 'string' && typeof location.protocol === 'string' ? location.href : undefined;
}

function describeLocation(location: unknown): string {
  if (types.isSet(location)) return 'a Set, which promises no order; pass an array';
  return `${describeWrong(location)}${Array.isArray(location) ? '; lists cannot be nested' : ''}`;
}

/** The locations of a call: one, or a list of at least one. */
export function parseLocations(url: unknown): readonly ParsedLocation[] {
  if (!Array.isArray(url)) return [parseLocation(url)];
  if (url.length === 0) throw typeError('ERR_INVALID_ARGUMENT', 'the list of locations is empty; give at least one path or URL');
  return url.map(parseLocation);
}
