/**
 * The one file that loads the AWS SDK: at its first use, in the thread that uses it. One client a thread and configuration, so that connections are reused.
 * The SDK tries requests again by itself (5xx, throttling, connections that fail before the answer), with growing pauses; a body that breaks off is ours: `get.ts`.
 */
import { createHash } from 'node:crypto';
import { isMainThread } from 'node:worker_threads';
import type { S3Client, S3ClientConfig } from '@aws-sdk/client-s3';
import { DirectClient } from '../direct/direct-client.ts';
import { type CheckedS3, endpointOf } from './options.ts';

/** A client and the commands it can be sent. */
export interface S3Connection {
  readonly sdk: typeof import('@aws-sdk/client-s3');
  readonly client: S3Client;
  readonly options: CheckedS3;
  /** For messages. */
  readonly where: string;
}

// The SDK's advice about the version of Node is given once a process, not once a thread.
if (!isMainThread) process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true';

const connections = new Map<string, Promise<S3Connection>>();

/** The client of this thread for a configuration; a changed environment is another. */
export function connect(options: CheckedS3): Promise<S3Connection> {
  const id = configurationOf(options);
  let connection = connections.get(id);
  if (connection === undefined) {
    connection = open(options);
    connections.set(id, connection);
    connection.catch(() => connections.delete(id));
  }
  return connection;
}

// The environment may hold secrets: only a digest of it is kept.
function configurationOf(options: CheckedS3): string {
  const hash = createHash('sha256').update(JSON.stringify(options));
  for (const name of Object.keys(process.env).sort()) if (name.startsWith('AWS_')) hash.update(`\0${name}=${process.env[name]}`);
  return hash.digest('base64');
}

async function open(options: CheckedS3): Promise<S3Connection> {
  const sdk = await import('@aws-sdk/client-s3');
  const { endpoint, profile, anon, pathStyle, timeoutMs, retries } = options;
  const config: S3ClientConfig = {
    maxAttempts: retries + 1,
    forcePathStyle: pathStyle,
    followRegionRedirects: true,
    // Ranges have no checksum to compare, and whole objects would be hashed in JavaScript; lengths and ETags are checked in `get.ts`.
    responseChecksumValidation: 'WHEN_REQUIRED',
    requestHandler: {
      connectionTimeout: Math.min(timeoutMs, 10_000),
      socketTimeout: timeoutMs,
      httpAgent: { maxSockets: 64 },
      httpsAgent: { maxSockets: 64 },
    },
    ...(endpoint !== undefined && { endpoint }),
    ...(profile !== undefined && { profile }),
    ...(anon && { credentials: { accessKeyId: '', secretAccessKey: '' }, signer: { sign: async (request) => request } }),
  };
  const region = options.region ?? (await configuredRegion(sdk, config));
  const client = new sdk.S3Client({ ...config, region });
  keepErrors(client);
  readDirectly(client, timeoutMs);
  return { sdk, client, options, where: shownEndpoint(endpointOf(endpoint)) ?? `S3 in ${region}` };
}

/** Without user and password: the environment may have some in its URL. */
function shownEndpoint(endpoint: string | undefined): string | undefined {
  if (endpoint === undefined) return undefined;
  return URL.canParse(endpoint) ? new URL(endpoint).origin : 'the endpoint of the environment';
}

/** The SDK knows errors by `instanceof`, and so not those that Node throws under jest or in a vm context: it would neither try again nor say what happened. */
function keepErrors({ config: { requestHandler } }: S3Client): void {
  const handle = requestHandler.handle.bind(requestHandler);
  requestHandler.handle = async (...request) => {
    try {
      return await handle(...request);
    } catch (error) {
      if (error instanceof Error || typeof error !== 'object' || error === null) throw error;
      const { name, message } = error as Error;
      throw Object.assign(new Error(message), { ...error, name });
    }
  };
}

/** Sends what asks for a range past the SDK's HTTP, so that its bytes go straight into a block; everything else is as the SDK does it, signatures, retries and errors too. */
function readDirectly({ config: { requestHandler } }: S3Client, timeoutMs: number): void {
  const handle = requestHandler.handle.bind(requestHandler);
  const direct = new DirectClient({ tls: {}, timeoutMs: Number.isFinite(timeoutMs) ? timeoutMs : 0 });
  requestHandler.handle = async (request, options) => {
    if (request.method !== 'GET' || request.headers.range === undefined) return await handle(request, options);
    const { protocol, hostname, port, path, query, headers } = request;
    const url = new URL(`${protocol}//${hostname}${port === undefined ? '' : `:${port}`}`);
    const { abortSignal: signal } = (options ?? {}) as { readonly abortSignal?: AbortSignal };
    const { status, body, ...answer } = await direct.get({ url, path: path + queryOf(query), headers, signal });
    return { response: { statusCode: status, headers: { ...answer.headers }, body } };
  };
}

function queryOf(query: Readonly<Record<string, string | string[] | null>>): string {
  const pairs = Object.entries(query).flatMap(([name, value]) => [value ?? ''].flat().map((one) => `${escaped(name)}=${escaped(one)}`));
  return pairs.length === 0 ? '' : `?${pairs.join('&')}`;
}

const escaped = (text: string): string =>
  encodeURIComponent(text).replace(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);

/** Servers other than AWS mostly have no regions, and AWS itself redirects: so none is needed. */
async function configuredRegion(sdk: S3Connection['sdk'], config: S3ClientConfig): Promise<string> {
  const client = new sdk.S3Client(config);
  try {
    return await client.config.region();
  } catch {
    return 'us-east-1';
  } finally {
    client.destroy();
  }
}
