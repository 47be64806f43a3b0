/** Bodies that go from the socket into memory: answers of every shape, cut at every place, on connections that are used again. */
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import fc from 'fast-check';
import { BrokenBodyError, OverlongBodyError } from '../../../src/storage/direct/direct-body.ts';
import { DirectClient } from '../../../src/storage/direct/direct-client.ts';
import { varied } from '../../conformance/storage.ts';

const bytes = Buffer.from(varied(300_000));
let server: Server;
let client: DirectClient;
let url: URL;
/** What the server does with the connection when a request has come. */
let answer: (socket: Socket, request: string) => void;
let connections: number;
const sockets = new Set<Socket>();

beforeEach(async () => {
  connections = 0;
  server = createServer((socket) => {
    connections++;
    sockets.add(socket);
    let said = '';
    socket.on('error', () => {});
    socket.on('data', (chunk) => {
      said += chunk.toString('latin1');
      for (let end = said.indexOf('\r\n\r\n'); end >= 0; end = said.indexOf('\r\n\r\n')) {
        const request = said.slice(0, end);
        said = said.slice(end + 4);
        answer(socket, request);
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/a%2Fb?c=d`);
  client = new DirectClient({ tls: {}, timeoutMs: 2000 });
});
afterEach(async () => {
  for (const socket of sockets) socket.destroy();
  sockets.clear();
  await new Promise((resolve) => server.close(resolve));
});

const whole = (content: Uint8Array, more = ''): Buffer =>
  Buffer.concat([Buffer.from(`HTTP/1.1 200 OK\r\nContent-Length: ${content.length}\r\n${more}\r\n`), content]);
const chunked = (content: Uint8Array, size: number): Buffer => {
  const parts = [Buffer.from('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n')];
  for (let at = 0; at < content.length; at += size) {
    const part = content.subarray(at, at + size);
    parts.push(Buffer.from(`${part.length.toString(16)};note=x\r\n`), Buffer.from(part), Buffer.from('\r\n'));
  }
  return Buffer.concat([...parts, Buffer.from('0\r\nTrailer: x\r\n\r\n')]);
};
async function read(nbytes: number, place = 0): Promise<{ into: Buffer; place: number }> {
  const into = Buffer.alloc(nbytes);
  const { body } = await client.get({ url });
  let last = place;
  await body.fill(into, place, (now) => (last = now), undefined);
  return { into, place: last };
}
/** Hands the pieces on one by one, so that each comes alone. */
async function inPieces(socket: Socket, pieces: readonly Uint8Array[]): Promise<void> {
  for (const piece of pieces) {
    socket.write(piece);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

describe('a body that goes straight into memory', () => {
  it('comes whole, on one connection for many answers', async () => {
    const requests: string[] = [];
    answer = (socket, request) => {
      requests.push(request);
      socket.write(whole(bytes));
    };
    for (let i = 0; i < 5; i++) expect((await read(bytes.length)).into.equals(bytes)).toBe(true);
    expect(connections).toBe(1);
    expect(requests[0]).toMatch(/^GET \/a%2Fb\?c=d HTTP\/1\.1\r\nhost: 127\.0\.0\.1:\d+\r\nconnection: keep-alive$/);
  });

  it('is the same however the answer is cut, with a length, in chunks, and up to the connection’s end', async () => {
    const content = bytes.subarray(0, 2000);
    const toTheEnd = Buffer.concat([Buffer.from('HTTP/1.0 200 OK\r\n\r\n'), content]);
    const early = Buffer.concat([Buffer.from('HTTP/1.1 100 Continue\r\n\r\n'), whole(content)]);
    const answers = fc.constantFrom(whole(content), chunked(content, 300), chunked(content, 7), toTheEnd, early);
    await fc.assert(
      fc.asyncProperty(answers, fc.array(fc.nat(2600), { maxLength: 6 }), async (wire, cuts) => {
        const at = [0, ...cuts.filter((cut) => cut < wire.length).sort((a, b) => a - b), wire.length];
        const pieces = at.slice(1).map((end, i) => wire.subarray(at[i], end));
        answer = (socket) => void inPieces(socket, pieces).then(() => wire === toTheEnd && socket.end());
        const { into, place } = await read(2500, 100);
        expect(into.subarray(100, place).equals(content)).toBe(true);
        expect(into.subarray(0, 100).every((byte) => byte === 0) && into.subarray(place).every((byte) => byte === 0)).toBe(true);
      }),
      { numRuns: 100 },
    );
  });

  it('goes into shared memory as well', async () => {
    answer = (socket) => void socket.write(whole(bytes));
    const into = new Uint8Array(new SharedArrayBuffer(bytes.length));
    const { body } = await client.get({ url });
    await body.fill(into, 0, () => {}, undefined);
    expect(Buffer.compare(into, bytes)).toBe(0);
  });

  it('can be read as a stream, or not at all', async () => {
    answer = (socket) => void socket.write(whole(bytes));
    const { body } = await client.get({ url });
    const parts: Buffer[] = [];
    for await (const part of body) {
      parts.push(part as Buffer);
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(Buffer.concat(parts).equals(bytes)).toBe(true);
    (await client.get({ url })).body.destroy();
    expect((await read(bytes.length)).into.equals(bytes)).toBe(true);
    expect(connections).toBe(2); // what comes after a body that nobody wants is not waited for
  });

  it('says how far it came when it breaks off', async () => {
    answer = (socket) => void socket.write(whole(bytes).subarray(0, 100_000), () => setTimeout(() => socket.destroy(), 20));
    const into = Buffer.alloc(bytes.length);
    const { body } = await client.get({ url });
    let place = 0;
    await expect(body.fill(into, 0, (now) => (place = now), undefined)).rejects.toMatchObject({ code: 'ECONNRESET' });
    expect(place).toBeGreaterThan(0);
    expect(into.subarray(0, place).equals(bytes.subarray(0, place))).toBe(true);
    answer = (socket) => socket.end('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel');
    await expect(read(10)).rejects.toThrow(BrokenBodyError);
  });

  it('is refused when it is longer than its place', async () => {
    for (const wire of [whole(bytes), chunked(bytes, 1000), Buffer.concat([Buffer.from('HTTP/1.0 200 OK\r\n\r\n'), bytes])]) {
      answer = (socket) => void socket.write(wire);
      await expect(read(1000)).rejects.toThrow(OverlongBodyError);
    }
  });

  it.each([
    ['no HTTP at all', 'SSH-2.0-x\r\n\r\n', /does not answer as HTTP does/],
    ['two lengths', 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello', /a length that is none/],
    ['a negative length', 'HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n', /a length that is none/],
    ['a packed body', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n', /unasked/],
    ['a header without a name', 'HTTP/1.1 200 OK\r\n: x\r\n\r\n', /a header that is none/],
    ['a head without end', `HTTP/1.1 200 OK\r\n${'x: y\r\n'.repeat(20_000)}`, /a head without end/],
    ['a chunk that is none', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nhello', /a chunk that is none/],
  ])('fails for %s', async (_, wire, message) => {
    answer = (socket) => void socket.write(wire);
    await expect(read(10)).rejects.toThrow(message);
  });

  it('sends no request with a line break in it', async () => {
    answer = () => {};
    await expect(client.get({ url, headers: { 'x-a': 'b\r\nx-c: d' } })).rejects.toThrow(/line break/);
    expect(connections).toBe(0);
  });
});

describe('connections', () => {
  it('are opened anew when the server has closed the idle one', async () => {
    answer = (socket) => void socket.write(whole(bytes), () => setTimeout(() => socket.destroy(), 5));
    for (let i = 0; i < 3; i++) {
      expect((await read(bytes.length)).into.equals(bytes)).toBe(true);
      await new Promise((resolve) => setTimeout(resolve, i * 20));
    }
  });

  it('that close before they answer are failures, the first time', async () => {
    answer = (socket) => void socket.destroy();
    await expect(read(10)).rejects.toMatchObject({ code: 'ECONNRESET' });
    expect(connections).toBe(1);
  });

  it('are not used again after an answer that closes, or that says more than it should', async () => {
    answer = (socket) => void socket.write(whole(bytes, 'Connection: close\r\n'));
    await read(bytes.length);
    answer = (socket) => void socket.write(Buffer.concat([whole(bytes), Buffer.from('more')]));
    await read(bytes.length);
    await read(bytes.length);
    expect(connections).toBe(3);
  });

  it('that are silent are given up', async () => {
    client = new DirectClient({ tls: {}, timeoutMs: 50 });
    answer = () => {};
    await expect(read(10)).rejects.toMatchObject({ name: 'TimeoutError', code: 'ETIMEDOUT' });
    answer = (socket) => void socket.write(whole(bytes).subarray(0, 1000));
    await expect(read(bytes.length)).rejects.toMatchObject({ name: 'TimeoutError' });
  });

  it('end with the signal, before an answer and in a body', async () => {
    answer = () => {};
    const before = new AbortController();
    const asked = client.get({ url, signal: before.signal });
    setTimeout(() => before.abort(new Error('enough')), 20);
    await expect(asked).rejects.toThrow('enough');
    answer = (socket) => void socket.write(whole(bytes).subarray(0, 1000));
    const within = new AbortController();
    const { body } = await client.get({ url });
    const filling = body.fill(Buffer.alloc(bytes.length), 0, () => {}, within.signal);
    setTimeout(() => within.abort(new Error('enough')), 20);
    await expect(filling).rejects.toThrow('enough');
  });

  it('that nobody takes are told by their code', async () => {
    await new Promise((resolve) => server.close(resolve));
    await expect(read(10)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  });
});
