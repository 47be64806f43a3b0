/** The head of an HTTP answer. */
export interface Head {
  readonly status: number;
  /** Names in lower case; several of one name are joined by ", ". */
  readonly headers: Readonly<Record<string, string>>;
  /** How its body ends: after so many bytes, by its own marks (`chunked`), or with the connection. */
  readonly length: number | 'chunked' | 'close';
  /** Whether the connection may serve another request afterwards. */
  readonly isKept: boolean;
}

/** The head as it stands on the wire, without the empty line that ends it. Throws for what is none of HTTP. */
export function parseHead(text: string): Head {
  const [first = '', ...lines] = text.split('\r\n');
  const start = /^HTTP\/1\.([01]) (\d{3})(?: |$)/.exec(first);
  if (start === null) throw new Error('the server does not answer as HTTP does');
  const headers: Record<string, string> = Object.create(null);
  for (const line of lines) {
    const colon = line.indexOf(':');
    if (colon < 1 || /\s/.test(line.slice(0, colon))) throw new Error('the server sends a header that is none');
    const name = line.slice(0, colon).toLowerCase();
    const value = line.slice(colon + 1).trim();
    headers[name] = name in headers ? `${headers[name]}, ${value}` : value;
  }
  const status = Number(start[2]);
  const connection = headers.connection?.toLowerCase() ?? '';
  const length = lengthOf(status, headers);
  const isKept = length !== 'close' && (start[1] === '1' ? !connection.includes('close') : connection.includes('keep-alive'));
  return { status, headers, length, isKept };
}

function lengthOf(status: number, headers: Readonly<Record<string, string>>): Head['length'] {
  if (status === 204 || status === 304) return 0;
  const coding = headers['transfer-encoding'];
  if (coding !== undefined) {
    if (coding.toLowerCase() === 'chunked') return 'chunked';
    throw new Error(`the server sends its answer as "${coding.slice(0, 40)}", unasked`);
  }
  const length = headers['content-length'];
  if (length === undefined) return 'close';
  // Who sends the same twice means it once; two lengths are an attack or a fault.
  const [once, ...more] = length.split(', ');
  if (!/^\d{1,15}$/.test(once!) || more.some((one) => one !== once)) throw new Error('the server sends a length that is none');
  return Number(once);
}
