import { serialize } from 'node:v8';
import { HeddleError } from '../../graph/index.ts';

/**
 * Who may work together. Functions of Python travel by value, so its minor version must be one; dask and distributed speak no other version's language;
 * msgpack changes its form with the major version; and data go in V8's own form, which has a number. Of the rest nobody needs to know.
 */
const compared: readonly (readonly [name: string, part: (version: string) => string, why: string])[] = [
  ['python', (version) => version.split('.').slice(0, 2).join('.'), 'the same minor version'],
  ['dask', (version) => version, 'the same version'],
  ['distributed', (version) => version, 'the same version'],
  ['msgpack', (version) => version.split('.')[0]!, 'the same major version'],
];

/** As Dask's `get_versions` gives them. */
export interface ClusterVersions {
  readonly client: Member;
  readonly scheduler: Member;
  readonly workers: Readonly<Record<string, Member>>;
}
interface Member {
  readonly packages: Readonly<Record<string, string | null>>;
}

/** Throws ERR_VERSIONS with a table when client, scheduler and workers differ in what must be alike. */
export function checkPythonVersions({ client, scheduler, workers }: ClusterVersions): void {
  const members = [['client', client], ['scheduler', scheduler], ...Object.entries(workers)] as const;
  const wrong = compared.filter(([name, part]) => new Set(members.map(([, { packages }]) => part(packages[name] ?? 'none'))).size > 1);
  if (wrong.length === 0) return;
  const names = wrong.map(([name]) => name);
  const rows = members.map(([who, { packages }]) => [who, ...names.map((name) => packages[name] ?? 'none')]);
  refuse(`client, scheduler and workers need ${wrong.map(([name, , why]) => `${why} of ${name}`).join(', ')}`, ['', ...names], rows);
}

/** As `node_of` in heddle_dask.py gives it: `20.20.0 15 its-host`. */
export interface WorkerNode {
  readonly version: string;
  /** Of V8's form of data. */
  readonly form: string;
  readonly hostname: string;
}

const least = [20, 12] as const;

/** Throws ERR_VERSIONS with a table when a worker's Node is missing, too old, or writes data in another form than this one. */
export function checkNodeVersions(nodes: Readonly<Record<string, WorkerNode>>): void {
  const ownForm = String(serialize(0)[1]);
  const isGood = ({ version, form }: WorkerNode): boolean => {
    const [major = 0, minor = 0] = version.split('.').map(Number);
    return form === ownForm && (major > least[0] || (major === least[0] && minor >= least[1]));
  };
  if (Object.values(nodes).every(isGood)) return;
  const rows = Object.entries(nodes).map(([who, { version, form }]) => [who, version, form || '-']);
  refuse(
    `workers need Node ${least.join('.')} or newer that writes data in V8's form ${ownForm} (put node on their PATH, or set HEDDLE_NODE to it)`,
    ['', 'node', 'form of data'],
    [['client', process.versions.node, ownForm], ...rows],
  );
}

function refuse(need: string, head: readonly string[], rows: readonly (readonly string[])[]): never {
  const all = [head, ...rows];
  const widths = head.map((_, column) => Math.max(...all.map((row) => (row[column] ?? '').length)));
  const table = all.map((row) => `  ${row.map((cell, column) => cell.padEnd(widths[column]!)).join('  ')}`.trimEnd()).join('\n');
  throw new HeddleError('ERR_VERSIONS', `these cannot work together: ${need}\n${table}`);
}
