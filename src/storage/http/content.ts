/**
 * What names the content behind a URL, and so whether it can be read in ranges without ever mixing two contents:
 *
 *     strong ETag                         ranges, each with If-Match
 *     Last-Modified, a minute old         ranges, each with If-Unmodified-Since: nothing changed twice in that second (RFC 9110, 8.8.2.2)
 *     a weak ETag, a fresh Last-Modified  whole, in one answer; compared with what was listed
 *     neither                             whole; each listing counts as another content
 */
import { randomUUID } from 'node:crypto';
import type { Answer } from './request.ts';

type Headers = Answer['headers'];

/** The content as an answer names it. */
export interface Content {
  readonly identity: string;
  /** The condition that holds as long as it is the same; `undefined`: it cannot be bound. */
  readonly condition: Readonly<Record<string, string>> | undefined;
}

const strongAfterMs = 60_000;

/** The content of an answer of `total` bytes. */
export function contentOf(headers: Headers, total: number | undefined): Content {
  const etag = headers.get('etag');
  if (etag?.startsWith('"') === true) return { identity: etag, condition: { 'if-match': etag } };
  const modified = headers.get('last-modified');
  if (etag === undefined && modified === undefined) return { identity: `unknown-${randomUUID()}`, condition: undefined };
  const age = Date.parse(headers.get('date') ?? '') - Date.parse(modified ?? '');
  return {
    identity: `${etag ?? ''}|${modified ?? ''}|${total ?? ''}`,
    condition: etag === undefined && age >= strongAfterMs ? { 'if-unmodified-since': modified! } : undefined,
  };
}

/** The condition of a content that was listed. */
export function conditionOf(identity: string): Readonly<Record<string, string>> {
  return identity.startsWith('"') ? { 'if-match': identity } : { 'if-unmodified-since': identity.split('|')[1]! };
}

/** Whether an answer may be of another content than was listed. Proxies may weaken an ETag, so marks of weakness do not count. */
export function isOther(identity: string, headers: Headers, total: number | undefined): boolean {
  if (identity.startsWith('unknown-')) return false;
  const now = contentOf(headers, total).identity;
  const bare = (text: string): string => text.split('|')[0]!.replace(/^W\//, '');
  return now !== identity && !(bare(identity) !== '' && bare(now) === bare(identity));
}

/** `bytes 0-99/1000`; a star counts as not told. */
export function rangeOf(
  headers: Headers,
): { readonly first: number; readonly last: number; readonly total: number | undefined } | undefined {
  const match = /^bytes (?:(\d+)-(\d+)|\*)\/(\d+|\*)$/.exec(headers.get('content-range') ?? '');
  if (match === null) return undefined;
  return { first: Number(match[1] ?? 0), last: Number(match[2] ?? -1), total: match[3] === '*' ? undefined : Number(match[3]) };
}

/** Bytes of a whole answer, when it tells. */
export function lengthOf(headers: Headers): number | undefined {
  const length = headers.get('content-length');
  return length === undefined || !/^\d+$/.test(length) ? undefined : Number(length);
}
