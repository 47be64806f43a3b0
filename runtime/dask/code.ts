import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import * as v8 from 'node:v8';
import { type Callee, type CapturedData, localFilesOf, type Payload, type PayloadNode } from '../../graph/index.ts';
import { builtRoot } from '../built-root.ts';
import { Definitions } from '../engines/definitions.ts';
import type { ResolveClass } from '../failure.ts';
import { serialize } from './data.ts';
import { ownPrefix, type ShippedDefinition } from './shipped.ts';
import type { Reference } from './thread-messages.ts';
import { type Blob, BlobKind } from './wire.ts';

/** Functions and captured data as a cluster gets them: by the hash of their content, each sent once. */
export class Code {
  readonly #definitions = new Definitions({ isLive: false });
  readonly #byThing = new WeakMap<object, Reference>();
  readonly #sent = new Set<string>();
  readonly #unsent = new Map<string, Blob>();

  get resolveClass(): ResolveClass {
    return this.#definitions.resolveClass;
  }

  /** How workers get a function, or data with functions in it. */
  reference(thing: Callee | CapturedData): Reference {
    const known = this.#byThing.get(thing);
    if (known !== undefined) return known;
    const definition = 'identity' in thing ? this.#definitions.define(thing) : this.#definitions.defineData(thing);
    const reference: Reference =
      definition.kind === 'own'
        ? { module: definition.module, name: definition.name }
        : this.#keep((definition as { payload: Uint8Array }).payload);
    this.#byThing.set(thing, reference);
    return reference;
  }

  #keep(payload: Uint8Array): Reference {
    const body = serialize(ship(payload));
    const digest = createHash('sha256').update(body).digest('hex').slice(0, 32);
    if (!this.#sent.has(digest)) this.#unsent.set(digest, { kind: BlobKind.captured, body });
    return { digest };
  }

  /** What has not been sent yet; it counts as sent from now on. */
  take(): { readonly digests: string[]; readonly blobs: Blob[] } {
    const digests = [...this.#unsent.keys()];
    const blobs = [...this.#unsent.values()];
    for (const digest of digests) this.#sent.add(digest);
    this.#unsent.clear();
    return { digests, blobs };
  }
}

/** A payload with the user's own files that it imports; what it imports of heddle is the worker's copy there. */
function ship(payload: Uint8Array): ShippedDefinition {
  const table = v8.deserialize(payload) as Payload;
  const files = new Map<string, string>();
  const add = (specifier: string, parent: string | undefined): void => {
    for (const file of localFilesOf(specifier, parent)) if (!files.has(file)) files.set(file, readFileSync(file, 'utf8'));
  };
  const nodes = table.nodes.map((node): PayloadNode => {
    switch (node.kind) {
      case 'import': {
        const own = ownModule(node.url);
        if (own !== undefined) return { kind: 'import', url: own, name: node.name };
        add(node.url, node.parent);
        return node;
      }
      case 'file':
      case 'module':
        add(node.file, undefined);
        return node;
      default:
        return node;
    }
  });
  return { payload: v8.serialize({ ...table, nodes } satisfies Payload), files };
}

const doors = new Map([
  ['heddle', 'src/index.js'],
  ['heddle/graph', 'graph/index.js'],
  ['heddle/runtime', 'runtime/index.js'],
]);

/** A module of heddle itself, wherever this copy of it lies. */
function ownModule(url: string): string | undefined {
  const door = doors.get(url);
  if (door !== undefined) return ownPrefix + door;
  const path = url.startsWith('file:') ? url : url.startsWith('/') ? pathToFileURL(url).href : '';
  return path.startsWith(builtRoot.href) ? ownPrefix + path.slice(builtRoot.href.length) : undefined;
}
