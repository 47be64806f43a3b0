/** WebHDFS as its documentation tells it, with nothing but `node:http`: how tests put files there behind heddle's back, and the yardstick of the benchmark. */
import { request } from 'node:http';

/** What a server answered. */
export interface PlainAnswer {
  readonly status: number;
  readonly location: string | undefined;
  readonly body: Buffer;
}

/** One HTTP request. */
export function plainCall(method: string, url: string, body?: Uint8Array): Promise<PlainAnswer> {
  return new Promise((resolve, reject) => {
    const headers = body === undefined ? {} : { 'content-length': body.byteLength, 'content-type': 'application/octet-stream' };
    const sent = request(url, { method, headers, agent: false, timeout: 60_000 }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, location: response.headers.location, body: Buffer.concat(chunks) }),
      );
    });
    sent.on('timeout', () => sent.destroy(new Error(`${method}: no answer`)));
    sent.on('error', reject);
    sent.end(body);
  });
}

/** A client of one NameNode that speaks for one user. */
export function plainWebHdfs(nameNode: string, user: string) {
  const url = (path: string, op: string, query = ''): string =>
    `http://${nameNode}/webhdfs/v1${path.split('/').map(encodeURIComponent).join('/')}?op=${op}&user.name=${user}${query}`;
  const checked = (what: string, answer: PlainAnswer): PlainAnswer => {
    if (answer.status >= 400) throw new Error(`${what}: ${answer.status} ${answer.body.toString().slice(0, 500)}`);
    return answer;
  };
  return {
    async put(path: string, bytes: Uint8Array, query = ''): Promise<void> {
      const { location } = checked(`CREATE ${path}`, await plainCall('PUT', url(path, 'CREATE', `&overwrite=true${query}`)));
      checked(`CREATE ${path}`, await plainCall('PUT', location!, bytes));
    },
    async get(path: string): Promise<Buffer> {
      const { location } = checked(`OPEN ${path}`, await plainCall('GET', url(path, 'OPEN')));
      return checked(`OPEN ${path}`, await plainCall('GET', location!)).body;
    },
    async remove(path: string): Promise<void> {
      checked(`DELETE ${path}`, await plainCall('DELETE', url(path, 'DELETE', '&recursive=true')));
    },
    async call(method: string, path: string, op: string, query = ''): Promise<unknown> {
      const { body } = checked(`${op} ${path}`, await plainCall(method, url(path, op, query)));
      return body.length === 0 ? undefined : (JSON.parse(body.toString()) as unknown);
    },
    /** Names in a directory. */
    async names(path: string): Promise<string[]> {
      const answer = (await this.call('GET', path, 'LISTSTATUS')) as { FileStatuses: { FileStatus: { pathSuffix: string }[] } };
      return answer.FileStatuses.FileStatus.map(({ pathSuffix }) => pathSuffix);
    },
  };
}
