/**
 * One GET, with what may come between: redirects (never from https to http), servers that are busy or break off (tried again after a pause), silence.
 * The one file that loads undici for HTTP; one pool of connections a thread and time limit.
 */
import type { Agent, Dispatcher } from 'undici';
import { HeddleError } from '../../../graph/index.ts';
import { backOff } from '../backoff.ts';
import { shownUrl } from '../shown-url.ts';
import { codeOf } from '../storage-error.ts';
import { type CheckedHttp, expandHeaders } from './options.ts';

/** An answer; whoever gets it reads or destroys its body. */
export interface Answer {
  readonly status: number;
  readonly headers: ReadonlyMap<string, string>;
  readonly body: Dispatcher.ResponseData['body'];
}

type Undici = Pick<typeof import('undici'), 'Agent' | 'request'>;

const mostRedirects = 10;
const redirects: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);
const transient: ReadonlySet<number> = new Set([408, 425, 429, 500, 502, 503, 504]);
/** However long the server asks to wait. */
const longestRetryAfterMs = 30_000;

let undici: Promise<Undici> | undefined;
const agents = new Map<number, Agent>();

/** Asks for a URL. Statuses below 500 are the caller's to judge; the others have been tried again in vain. */
export async function get(
  url: string,
  headers: Readonly<Record<string, string>>,
  options: CheckedHttp,
  signal: AbortSignal | undefined,
): Promise<Answer> {
  undici ??= import('undici');
  const { Agent, request } = await undici;
  let agent = agents.get(options.timeoutMs);
  if (agent === undefined) {
    const { timeoutMs } = options;
    agent = new Agent({
      connections: 64,
      pipelining: 1,
      headersTimeout: timeoutMs,
      bodyTimeout: timeoutMs,
      connect: { timeout: Math.min(timeoutMs, 10_000) },
    });
    agents.set(timeoutMs, agent);
  }
  const own = { 'accept-encoding': 'identity', 'user-agent': 'heddle', ...headers };
  for (let failures = 0; ; ) {
    let leastMs = 0;
    let failure: unknown;
    try {
      const answer = await follow(url, own, options, (to, sent) =>
        request(to, { method: 'GET', headers: sent, dispatcher: agent!, ...(signal !== undefined && { signal }) }),
      );
      if (!transient.has(answer.status) || failures >= options.retries) return answer;
      leastMs = retryAfterMs(answer.headers.get('retry-after'));
      await discard(answer);
    } catch (error) {
      signal?.throwIfAborted();
      if (codeOf(error)?.startsWith('ERR_') === true || failures >= options.retries) throw error;
      failure = error;
    }
    failures++;
    if (failure !== undefined && isHopeless(failure)) throw failure;
    await backOff(failures, signal, leastMs);
  }
}

/** Lets go of a body that nobody wants; a short one is read, so that its connection can be used again. */
export async function discard({ body }: Answer): Promise<void> {
  body.on('error', () => {});
  await body.dump({ limit: 64 * 1024 }).catch(() => {});
}

type Send = (url: URL, headers: Record<string, string>) => Promise<Dispatcher.ResponseData>;

async function follow(from: string, own: Readonly<Record<string, string>>, options: CheckedHttp, send: Send): Promise<Answer> {
  let url = withoutUser(new URL(from));
  let headers = { ...expandHeaders(options.headers), ...own };
  for (let hops = 0; ; hops++) {
    const response = await send(url, headers);
    const answer = { status: response.statusCode, headers: headersOf(response.headers), body: response.body };
    const location = answer.headers.get('location');
    if (!redirects.has(answer.status) || location === undefined) return answer;
    await discard(answer);
    const shown = shownUrl(from);
    if (hops === mostRedirects) throw new HeddleError('ERR_STORAGE', `cannot read ${shown}: it redirects more than ${mostRedirects} times`);
    const next = URL.canParse(location, url.href) ? withoutUser(new URL(location, url)) : undefined;
    if (next === undefined || !/^https?:$/.test(next.protocol))
      throw new HeddleError('ERR_STORAGE', `cannot read ${shown}: it redirects to what is no URL of http or https`);
    if (url.protocol === 'https:' && next.protocol === 'http:')
      throw new HeddleError(
        'ERR_STORAGE',
        `cannot read ${shown}: it redirects from https to http, where anybody may read and change it; ask for the http URL if you want that`,
      );
    // Headers of the user may be meant for the first server only.
    if (next.origin !== url.origin) headers = { ...own };
    url = next;
  }
}

function withoutUser(url: URL): URL {
  url.username = '';
  url.password = '';
  url.hash = '';
  return url;
}

function headersOf(headers: Dispatcher.ResponseData['headers']): Map<string, string> {
  const found = new Map<string, string>();
  for (const [name, value] of Object.entries(headers))
    if (value !== undefined) found.set(name, Array.isArray(value) ? value.join(', ') : value);
  return found;
}

function retryAfterMs(text: string | undefined): number {
  if (text === undefined) return 0;
  const ms = /^\d+$/.test(text) ? Number(text) * 1000 : Date.parse(text) - Date.now();
  return Number.isNaN(ms) ? 0 : Math.max(0, Math.min(ms, longestRetryAfterMs));
}

/** What trying again does not mend. */
function isHopeless(error: unknown): boolean {
  const code = codeOf(error) ?? '';
  return /^(ENOTFOUND|ERR_TLS_|CERT_|DEPTH_ZERO_|UNABLE_TO_|SELF_SIGNED_|ERR_SSL_|EPROTO|UND_ERR_INVALID_ARG|HPE_)/.test(code);
}
