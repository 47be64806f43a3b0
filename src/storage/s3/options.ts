import { type Duration, describeWrong, parseDuration, typeError } from '../../../graph/index.ts';
import { retriesOf } from '../backoff.ts';

/** How to reach S3. Credentials come from the usual chain (environment, profiles, container, instance) and are never taken here. */
export interface S3Options {
  /** @default from the environment or the profile, else 'us-east-1' */
  readonly region?: string | undefined;
  /** Another server that speaks S3, `http://127.0.0.1:9000`. @default from the environment or the profile, else AWS */
  readonly endpoint?: string | undefined;
  /** Name in `~/.aws/config` and `~/.aws/credentials`. @default AWS_PROFILE, else 'default' */
  readonly profile?: string | undefined;
  /** Sign nothing: for public buckets. @default false */
  readonly anon?: boolean | undefined;
  /** The bucket in the path instead of the host's name. @default false; true when an endpoint is set */
  readonly pathStyle?: boolean | undefined;
  /** You pay for requests to buckets that ask for it. @default false */
  readonly requesterPays?: boolean | undefined;
  /** The longest silence of the server before a request counts as failed. @default '30 s' */
  readonly timeout?: Duration | undefined;
  /** How often a request that failed for no fault of its own is tried again. @default 5 */
  readonly retries?: number | undefined;
}

/** `S3Options`, checked and with their defaults. */
export interface CheckedS3 {
  readonly region: string | undefined;
  readonly endpoint: string | undefined;
  readonly profile: string | undefined;
  readonly anon: boolean;
  readonly pathStyle: boolean;
  readonly requesterPays: boolean;
  readonly timeoutMs: number;
  readonly retries: number;
}

/** The names of S3Options. */
export const s3OptionNames: readonly string[] = [
  'region',
  'endpoint',
  'profile',
  'anon',
  'pathStyle',
  'requesterPays',
  'timeout',
  'retries',
];

const isSecret = /key|secret|token|credential|password/i;

/** Throws TypeError or RangeError with ERR_INVALID_OPTION; no value of an unknown option is shown. */
export function checkS3Options(storage: unknown): CheckedS3 {
  const options = (storage ?? {}) as Readonly<Record<string, unknown>>;
  for (const name of Object.keys(options)) {
    if (s3OptionNames.includes(name)) continue;
    throw typeError(
      'ERR_INVALID_OPTION',
      isSecret.test(name)
        ? `S3 takes no credentials as an option ("${name}"): options travel with tasks. Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or name a profile`
        : `S3 has no option "${name}" (known: ${s3OptionNames.join(', ')})`,
    );
  }
  const endpoint = text(options, 'endpoint');
  return {
    region: text(options, 'region'),
    endpoint: endpoint === undefined ? undefined : checkedEndpoint(endpoint),
    profile: text(options, 'profile'),
    anon: flag(options, 'anon') ?? false,
    pathStyle: flag(options, 'pathStyle') ?? endpointOf(endpoint) !== undefined,
    requesterPays: flag(options, 'requesterPays') ?? false,
    timeoutMs: parseDuration((options.timeout ?? '30 s') as Duration, 'timeout'),
    retries: retriesOf(options.retries ?? undefined),
  };
}

/** The endpoint in force: what the options say, else the environment. */
export function endpointOf(option: unknown): string | undefined {
  if (typeof option === 'string') return option;
  return process.env.AWS_ENDPOINT_URL_S3 || process.env.AWS_ENDPOINT_URL || undefined;
}

function checkedEndpoint(endpoint: string): string {
  const url = URL.canParse(endpoint) ? new URL(endpoint) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol) || url.username !== '' || url.password !== '')
    throw typeError(
      'ERR_INVALID_OPTION',
      'option endpoint must be a URL of http or https without user and password, such as http://127.0.0.1:9000',
    );
  return endpoint;
}

function text(options: Readonly<Record<string, unknown>>, name: string): string | undefined {
  const value = options[name];
  if (value === undefined || (typeof value === 'string' && value !== '')) return value;
  throw typeError('ERR_INVALID_OPTION', `option ${name} must be a text; it is ${describeWrong(value)}`);
}

function flag(options: Readonly<Record<string, unknown>>, name: string): boolean | undefined {
  const value = options[name];
  if (value === undefined || typeof value === 'boolean') return value;
  throw typeError('ERR_INVALID_OPTION', `option ${name} must be true or false; it is ${describeWrong(value)}`);
}
