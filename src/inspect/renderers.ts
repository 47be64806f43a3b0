import { dot } from './dot.ts';
import { html } from './html.ts';
import { json } from './json.ts';
import { mermaid } from './mermaid.ts';
import { png } from './png.ts';
import type { Renderer } from './renderer.ts';
import { svg } from './svg.ts';

/** Every format of pictures. A new one is a file that exports a Renderer, and a line here. */
export const renderers: readonly Renderer[] = [svg, html, dot, mermaid, json, png];
