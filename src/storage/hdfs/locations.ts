import type { BlockHosts } from '../storage.ts';
import { type Cluster, locationOperations } from './cluster.ts';
import { field, isNotThere, RemoteError } from './remote-error.ts';
import type { HdfsStatus } from './status.ts';

/**
 * Where a file's blocks lie: names and addresses of hosts. Servers differ in how they tell it; what one does not know is not asked of it again.
 * Without an answer the blocks are where the file's block size puts them, on hosts that nobody knows.
 */
export async function blocksOf(
  cluster: Cluster,
  path: string,
  { length, blockSize }: HdfsStatus,
  signal: AbortSignal | undefined,
): Promise<readonly BlockHosts[]> {
  while (length > 0 && cluster.locations < locationOperations.length) {
    const tried = cluster.locations;
    const op = locationOperations[tried]!;
    try {
      const answer = await cluster.json(op, path, { offset: 0, length }, signal);
      const blocks = op === 'GETFILEBLOCKLOCATIONS' ? fromBlockLocations(answer) : fromLocatedBlocks(answer);
      if (blocks !== undefined) return blocks;
    } catch (error) {
      if (!isUnknownOperation(error)) {
        if (isNotThere(error)) return []; // gone since it was listed: reading will say so
        throw error;
      }
    }
    // Another file's question may have been answered in the meantime.
    if (cluster.locations === tried) cluster.locations++;
  }
  return withoutHosts(length, blockSize);
}

/** The blocks of a file whose hosts nobody tells. */
export function withoutHosts(length: number, blockSize: number): readonly BlockHosts[] {
  const blocks: BlockHosts[] = [];
  const step = blockSize > 0 ? blockSize : length;
  for (let offset = 0; offset < length; offset += step) blocks.push({ offset, length: Math.min(step, length - offset), hosts: [] });
  return blocks;
}

/** Old servers and gateways refuse what they do not know in several ways. */
export function isUnknownOperation(error: unknown): boolean {
  if (!(error instanceof RemoteError)) return false;
  if (['UnsupportedOperationException', 'NoSuchMethodException'].includes(error.exception)) return true;
  if (error.exception === 'IllegalArgumentException' || error.exception === 'QueryParamException')
    return /\bop\b|operation|enum constant/i.test(error.message);
  return error.exception === '' && [400, 404, 405, 501].includes(error.status);
}

function fromBlockLocations(answer: unknown): BlockHosts[] | undefined {
  const list = field(field(answer, 'BlockLocations'), 'BlockLocation');
  if (!Array.isArray(list)) return undefined;
  return checked(
    list.map((block) => ({
      offset: field(block, 'offset'),
      length: field(block, 'length'),
      hosts: [...texts(field(block, 'hosts')), ...texts(field(block, 'names')).map((name) => name.replace(/:\d+$/, ''))],
    })),
  );
}

function fromLocatedBlocks(answer: unknown): BlockHosts[] | undefined {
  const list = field(field(answer, 'LocatedBlocks'), 'locatedBlocks');
  if (!Array.isArray(list)) return undefined;
  return checked(
    list.map((block) => {
      const nodes = field(block, 'locations');
      return {
        offset: field(block, 'startOffset'),
        length: field(field(block, 'block'), 'numBytes'),
        hosts: (Array.isArray(nodes) ? nodes : []).flatMap((node) => texts([field(node, 'hostName'), field(node, 'ipAddr')])),
      };
    }),
  );
}

function checked(
  blocks: readonly { readonly offset: unknown; readonly length: unknown; readonly hosts: readonly string[] }[],
): BlockHosts[] | undefined {
  const found: BlockHosts[] = [];
  for (const { offset, length, hosts } of blocks) {
    if (typeof offset !== 'number' || typeof length !== 'number') return undefined;
    found.push({ offset, length, hosts: [...new Set(hosts)] });
  }
  return found;
}

const texts = (list: unknown): string[] => (Array.isArray(list) ? list.filter((one) => typeof one === 'string' && one !== '') : []);
