import type { GraphFormat } from '../../graph/index.ts';
import type { Picture } from './picture.ts';

/** Turns a Picture into one format. Names and keys in it are other people's data: whatever they hold, they appear as text and nothing else. */
export interface Renderer {
  readonly format: GraphFormat;
  /** Endings of paths that mean this format, with the dot. */
  readonly endings: readonly string[];
  render(picture: Picture): string | Uint8Array | Promise<string | Uint8Array>;
}
