import { createHash } from 'node:crypto';
import { pageScript, pageStyle } from './html-page.ts';
import { layOut } from './layout.ts';
import type { Renderer } from './renderer.ts';
import { drawSvg } from './svg.ts';
import { grouped, safeJson } from './text.ts';

/**
 * A page of its own: the drawing with pan, zoom, search and facts on hovering. It loads nothing, and its policy allows no script but its own (by hash),
 * so that markup in a name could do nothing even if it slipped through the escaping.
 */
export const html: Renderer = {
  format: 'html',
  endings: ['.html', '.htm'],
  async render(picture) {
    const drawing = drawSvg(picture, await layOut(picture));
    const facts = picture.nodes.map((node) => node.facts);
    const policy = [
      "default-src 'none'",
      'img-src data:',
      `style-src 'sha256-${hash(pageStyle)}'`,
      `script-src 'sha256-${hash(pageScript)}'`,
      "base-uri 'none'",
      "form-action 'none'",
    ].join('; ');
    const groups = picture.isGrouped ? ' · grouped by name' : '';
    return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="data:,">
<title>heddle: task graph</title>
<style>${pageStyle}</style>
</head>
<body>
<header>
<h1>Task graph</h1>
<p>${grouped(picture.tasks)} tasks · ${grouped(picture.dependencies)} dependencies${groups}</p>
<input id="find" type="search" placeholder="Find a name or key" aria-label="Find a name or key" autocomplete="off" spellcheck="false">
<div role="group" aria-label="Zoom"><button id="out" type="button" title="Zoom out (-)" aria-label="Zoom out">−</button><button id="in" type="button" title="Zoom in (+)" aria-label="Zoom in">+</button><button id="fit" type="button" title="Show all (0)">Show all</button></div>
</header>
<main id="view" tabindex="0" aria-label="Task graph">
${drawing}
</main>
<aside id="facts" aria-live="polite" hidden></aside>
<script type="application/json" id="data">${safeJson(facts)}</script>
<script>${pageScript}</script>
</body>
</html>
`;
  },
};

function hash(text: string): string {
  return createHash('sha256').update(text).digest('base64');
}
