import { type ByteSize, type Duration, describeWrong, HeddleError, parseByteSize, parseDuration, typeError } from '../../../graph/index.ts';
import { retriesOf } from '../backoff.ts';
import { shownUrl } from '../shown-url.ts';

/** How to read over HTTP. */
export interface HttpOptions {
  /** Sent with each request. `${NAME}` in a value stands for the variable NAME of the environment, there where the request is made: so a secret never travels with a task. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** A file that is larger is an error. @default no limit */
  readonly maxSize?: ByteSize | undefined;
  /** The longest silence of the server before a request counts as failed. @default '30 s' */
  readonly timeout?: Duration | undefined;
  /** How often a request that failed for no fault of its own is tried again. @default 5 */
  readonly retries?: number | undefined;
}

/** `HttpOptions`, checked and with their defaults. */
export interface CheckedHttp {
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly maxSize: number;
  readonly timeoutMs: number;
  readonly retries: number;
}

const optionNames: readonly string[] = ['headers', 'maxSize', 'timeout', 'retries'];
/** Heddle's own, or the connection's. */
const reserved = /^(host|range|if-.*|accept-encoding|connection|content-length|transfer-encoding|te|upgrade|expect)$/;
const secret = /^(authorization|proxy-authorization|cookie|.*(token|secret|password|api-?key).*)$/;

/** Throws TypeError or RangeError with ERR_INVALID_OPTION; no header's value is shown. */
export function checkHttpOptions(storage: unknown): CheckedHttp {
  const options = (storage ?? {}) as Readonly<Record<string, unknown>>;
  for (const name of Object.keys(options))
    if (!optionNames.includes(name))
      throw typeError('ERR_INVALID_OPTION', `HTTP has no option "${name}" (known: ${optionNames.join(', ')})`);
  const { maxSize, timeout } = options;
  return {
    headers: checkedHeaders(options.headers ?? {}),
    maxSize: maxSize === undefined ? Number.POSITIVE_INFINITY : parseByteSize(maxSize as ByteSize, 'maxSize'),
    timeoutMs: parseDuration((timeout ?? '30 s') as Duration, 'timeout'),
    retries: retriesOf(options.retries),
  };
}

function checkedHeaders(headers: unknown): Record<string, string> {
  if (typeof headers !== 'object' || headers === null || Array.isArray(headers))
    throw typeError('ERR_INVALID_OPTION', `option headers must be an object of texts; it is ${describeWrong(headers)}`);
  const checked: Record<string, string> = Object.create(null);
  for (const [name, value] of Object.entries(headers as Readonly<Record<string, unknown>>)) {
    const lower = name.toLowerCase();
    if (!/^[a-z0-9!#$%&'*+.^_`|~-]+$/.test(lower) || typeof value !== 'string' || /[\0\r\n]/.test(value))
      throw typeError(
        'ERR_INVALID_OPTION',
        `the header ${JSON.stringify(name)} must have a name of letters, digits and "-", and a text of one line`,
      );
    if (reserved.test(lower)) throw typeError('ERR_INVALID_OPTION', `the header "${name}" is heddle's own to set; leave it out`);
    if (secret.test(lower) && !variable.test(value))
      throw typeError(
        'ERR_INVALID_OPTION',
        `the header "${name}" holds a secret, and options travel with tasks: put it into the environment and write "\${ITS_NAME}" instead`,
      );
    checked[lower] = value;
  }
  return checked;
}

const variable = /\$\{([A-Za-z_][A-Za-z0-9_]*)\}/;

/** The headers as they are sent: variables of this thread's environment in place of their names. */
export function expandHeaders(headers: CheckedHttp['headers']): Record<string, string> {
  const expanded: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) {
    expanded[name] = value.replaceAll(new RegExp(variable, 'g'), (_, one: string) => {
      const found = process.env[one];
      if (found === undefined)
        throw typeError(
          'ERR_INVALID_OPTION',
          `the header "${name}" needs the variable ${one}, which is not in the environment; set it before workers start`,
        );
      return found.trim();
    });
  }
  return expanded;
}

/** `maxSize` is a promise that no more is read than was meant. */
export function checkSize(url: string, nbytes: number, { maxSize }: CheckedHttp): void {
  if (nbytes > maxSize)
    throw new HeddleError('ERR_STORAGE', `${shownUrl(url)} has more than ${maxSize} bytes (maxSize); raise maxSize if you want it`);
}
