/** Failures of S3 in words. What the SDK throws holds requests, and so signatures and tokens: nothing of it is passed on but its name, message and status. */
import { HeddleError, isHeddleError } from '../../../graph/index.ts';
import type { S3Connection } from './client.ts';

interface Failure {
  readonly name: string;
  readonly message: string;
  readonly code: string | undefined;
  readonly status: number | undefined;
  readonly attempts: number;
}

/** What can be said of anything thrown. */
export function failureOf(error: unknown): Failure {
  const { name, Code, code, message, $metadata } = (typeof error === 'object' && error !== null ? error : {}) as {
    readonly name?: unknown;
    readonly Code?: unknown;
    readonly code?: unknown;
    readonly message?: unknown;
    readonly $metadata?: { readonly httpStatusCode?: number; readonly attempts?: number };
  };
  return {
    name: typeof Code === 'string' ? Code : typeof name === 'string' ? name : 'Error',
    message: typeof message === 'string' ? message : String(error),
    code: typeof code === 'string' ? code : undefined,
    status: $metadata?.httpStatusCode,
    attempts: $metadata?.attempts ?? 1,
  };
}

/** Whether S3 says that there is no such object. */
export const isMissing = (error: unknown): boolean => ['NoSuchKey', 'NotFound', 'NoSuchVersion'].includes(failureOf(error).name);

const wrongCredentials =
  'the credentials are not accepted; check AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN, or the profile (anon: true reads public buckets)';
const hints: ReadonlyMap<string, string> = new Map([
  ['InvalidAccessKeyId', wrongCredentials],
  ['SignatureDoesNotMatch', wrongCredentials],
  ['AuthorizationHeaderMalformed', `the signature is not accepted; check the region and the credentials`],
  ['InvalidToken', wrongCredentials],
  ['ExpiredToken', 'the credentials have expired; sign in again'],
  ['ExpiredTokenException', 'the credentials have expired; sign in again'],
  ['TokenRefreshRequired', 'the credentials have expired; sign in again'],
  ['RequestTimeTooSkewed', "this machine's clock differs too much from the server's; set it right"],
  [
    'CredentialsProviderError',
    'no credentials were found; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, name a profile, or pass anon: true for public buckets',
  ],
  ['PermanentRedirect', 'the bucket is in another region; pass its region'],
  ['SlowDown', 'the server asks for fewer requests; try later, or use fewer workers'],
  ['EntityTooLarge', 'the part is larger than the server takes; write smaller parts'],
  ['KeyTooLongError', 'the server takes no key as long as this; choose a shorter one'],
]);
const denied = 'permission denied; give these credentials the right to it, or use others';
const network = new Set(['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH', 'ETIMEDOUT']);

/** `cannot <verb> <path>: why and what to do`. */
export function s3Error(verb: string, path: string, error: unknown, { where }: S3Connection): Error {
  if (isHeddleError(error)) return error;
  const failure = failureOf(error);
  const { name, message, code, status } = failure;
  const tell = (why: string, errorCode: 'ERR_STORAGE' | 'ERR_NOT_FOUND' = 'ERR_STORAGE'): HeddleError =>
    new HeddleError(errorCode, `cannot ${verb} ${path}: ${why}`, { cause: causeOf(failure) });
  const hint = hints.get(name);
  if (hint !== undefined) return tell(`${hint} (${name})`);
  if (name === 'NoSuchBucket')
    return tell(`the bucket does not exist at ${where}; check its name, the region and the endpoint`, 'ERR_NOT_FOUND');
  if (name === 'AccessDenied' || name === 'AllAccessDisabled' || status === 403) return tell(`${denied} (${name})`);
  if (status === 301) return tell(hints.get('PermanentRedirect')!);
  if (name === 'TimeoutError') return tell(`${where} does not answer in time; check the endpoint, or raise timeout`);
  if (code !== undefined && network.has(code))
    return tell(`${where} cannot be reached, or breaks off (${code}); check the endpoint and the network`);
  if (status !== undefined && status >= 500)
    return tell(`${where} failed ${failure.attempts} times in a row (${status} ${name}); try later`);
  return tell(`${name}: ${message.slice(0, 300)}`);
}

function causeOf({ name, message, code, status, attempts }: Failure): Error {
  const cause = new Error(message.slice(0, 300));
  cause.name = name;
  return Object.assign(cause, { attempts }, status === undefined ? {} : { status }, code === undefined ? {} : { code });
}
