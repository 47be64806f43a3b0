/**
 * Which workers a host means. Hosts have many names: upper case or lower, with a port, in brackets, short or in full, an address. A machine may be known under several (`aliases`).
 */
import type { WorkerDescription } from './pass.ts';

/** Whether a worker is on a host: its name, address or alias, the short name of a longer one, or `host:port`. Ports count only where both sides have one and `withPort` is set. */
export function isOnHost(worker: WorkerDescription, host: string, withPort = false): boolean {
  const wanted = parse(host);
  const own = parse(worker.host);
  if (withPort && wanted.port !== undefined && wanted.port !== own.port) return false;
  return isSame(own.name, wanted.name) || (worker.aliases?.some((alias) => isSame(parse(alias).name, wanted.name)) ?? false);
}

/** Indexes of the workers on these hosts, those of the first host first. */
export function workersOn(workers: readonly WorkerDescription[], hosts: readonly string[]): readonly number[] {
  return indexesOf(workers, hosts, (worker, host) => isOnHost(worker, host));
}

/** Indexes of the workers that an option `workers` means: by name, by host, or by `host:port`. */
export function workersNamed(workers: readonly WorkerDescription[], names: string | readonly string[]): readonly number[] {
  return indexesOf(
    workers,
    typeof names === 'string' ? [names] : names,
    (worker, name) => worker.name === name || isOnHost(worker, name, true),
  );
}

function indexesOf(
  workers: readonly WorkerDescription[],
  wanted: readonly string[],
  isMeant: (worker: WorkerDescription, one: string) => boolean,
): readonly number[] {
  const found = new Set<number>();
  for (const one of wanted)
    workers.forEach((worker, index) => {
      if (isMeant(worker, one)) found.add(index);
    });
  return [...found];
}

/** `[::1]:50010` → `::1`, `Node1:9866` → `node1`, `::ffff:10.0.0.1` → `10.0.0.1`. */
function parse(host: string): { readonly name: string; readonly port: string | undefined } {
  const match = /^\[(.*)\](?::(\d+))?$/.exec(host) ?? /^([^:]*):(\d+)$/.exec(host);
  const name = (match?.[1] ?? host)
    .toLowerCase()
    .replace(/^::ffff:(?=[\d.]+$)/, '')
    .replace(/\.$/, '');
  return { name, port: match?.[2] };
}

const isAddress = (name: string): boolean => /^[\d.]+$/.test(name) || name.includes(':');

// `node1` is `node1.example.org`, and neither is `node1.example.com`.
function isSame(a: string, b: string): boolean {
  if (a === b) return a !== '';
  if (a === '' || b === '' || isAddress(a) || isAddress(b)) return false;
  const [short, long] = a.length < b.length ? [a, b] : [b, a];
  return !short.includes('.') && long.startsWith(`${short}.`);
}
