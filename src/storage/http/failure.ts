import { HeddleError } from '../../../graph/index.ts';
import { shownUrl } from '../shown-url.ts';
import { codeOf } from '../storage-error.ts';

const hints: ReadonlyMap<number, string> = new Map([
  [
    401,
    'it wants to know who you are; a password in a URL is dropped, so pass headers: { authorization: "Bearer ${TOKEN}" } and set TOKEN in the environment',
  ],
  [403, 'permission denied; a signed URL may have expired'],
  [407, 'a proxy wants to know who you are'],
  [408, 'the server waited too long'],
  [416, 'the server does not take ranges as it should; pass blockSize: null'],
  [429, 'the server asks for fewer requests; try later, or use fewer workers'],
]);

/** A status that is no answer. */
export function statusError(verb: string, url: string, status: number): HeddleError {
  const hint = hints.get(status) ?? (status >= 500 ? 'the server fails; try later' : 'the server refuses');
  return new HeddleError('ERR_STORAGE', `cannot ${verb} ${shownUrl(url)}: ${hint} (status ${status})`);
}

/** A failure of the line in words; what heddle refused stays as it is. */
export function httpError(verb: string, url: string, error: unknown): Error {
  const code = codeOf(error) ?? '';
  if (/^ERR_(STORAGE|SOURCE_CHANGED|INVALID_)/.test(code)) return error as Error;
  const host = new URL(url).host;
  const tell = (why: string): HeddleError =>
    new HeddleError('ERR_STORAGE', `cannot ${verb} ${shownUrl(url)}: ${why}`, { cause: causeOf(error) });
  if (/TIMEOUT|ETIMEDOUT/.test(code)) return tell(`${host} does not answer in time (${code}); raise timeout, or try later`);
  if (/CERT|TLS|SELF_SIGNED|UNABLE_TO|SSL/.test(code))
    return tell(`the certificate of ${host} is not trusted (${code}); NODE_EXTRA_CA_CERTS names further authorities`);
  return tell(
    `${host} cannot be reached, or breaks off (${code || String((error as Error | undefined)?.message ?? error)}); check the URL and the network`,
  );
}

// A request's headers must not ride along.
function causeOf(error: unknown): Error {
  const { name, message } = error as Error;
  const cause = new Error(String(message).slice(0, 300));
  cause.name = String(name);
  return Object.assign(cause, { code: codeOf(error) });
}
