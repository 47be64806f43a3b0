import { createRequire } from 'node:module';

/** The npm package webhdfs, with promises: a client that shares no code with heddle's, and must agree with it. */
export interface IndependentClient {
  names(path: string): Promise<string[]>;
  read(path: string): Promise<Buffer>;
  write(path: string, bytes: Buffer): Promise<void>;
}

interface WebHdfsPackage {
  createClient(options: object): {
    readdir(path: string, done: (error: Error | null, files: { pathSuffix: string }[]) => void): void;
    createReadStream(path: string): NodeJS.ReadableStream;
    createWriteStream(path: string): NodeJS.WritableStream;
  };
}

/** A client of one NameNode. */
export function independentClient(nameNode: string, user: string): IndependentClient {
  const [host, port] = nameNode.split(':');
  const { createClient } = createRequire(import.meta.url)('webhdfs') as WebHdfsPackage;
  const client = createClient({ user, host, port: Number(port), path: '/webhdfs/v1' });
  return {
    names: (path) =>
      new Promise((resolve, reject) =>
        client.readdir(path, (error, files) => (error === null ? resolve(files.map(({ pathSuffix }) => pathSuffix)) : reject(error))),
      ),
    read: (path) =>
      new Promise((resolve, reject) => {
        const chunks: Buffer[] = [];
        const stream = client.createReadStream(path);
        stream.on('data', (chunk) => chunks.push(chunk as unknown as Buffer));
        stream.on('error', reject);
        stream.on('finish', () => resolve(Buffer.concat(chunks)));
      }),
    write: (path, bytes) =>
      new Promise((resolve, reject) => {
        const stream = client.createWriteStream(path);
        stream.on('error', reject);
        stream.on('finish', () => resolve());
        stream.end(bytes);
      }),
  };
}
