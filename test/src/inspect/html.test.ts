import { createHash } from 'node:crypto';
import { html } from '../../../src/inspect/html.ts';
import { drawPicture, type Picture } from '../../../src/inspect/picture.ts';
import { described, type ReadDrawing, testRenderer } from '../../conformance/renderer.ts';
import { readDrawing } from './read-svg.ts';

/** Takes the page apart at its own marks; what is left around the drawing and the data must be the same whatever the names are. */
function takeApart(page: string): { drawing: string; data: string; rest: string } {
  const pieces =
    /^([\s\S]*<main [^>]*>\n)(<svg [\s\S]*<\/svg>)(\n<\/main>[\s\S]*<script type="application\/json" id="data">)([^<]*)(<\/script>[\s\S]*)$/.exec(
      page,
    );
  if (pieces === null) throw new Error('the page has not its usual parts');
  const [, before = '', drawing = '', between = '', data = '', after = ''] = pieces;
  return {
    drawing,
    data,
    rest: (before + between + after).replace(/<p>[0-9,]+ tasks · [0-9,]+ dependencies( · grouped by name)?<\/p>/, ''),
  };
}

let usual: string | undefined;
function read(page: string, picture: Picture): ReadDrawing {
  const { drawing, data, rest } = takeApart(page);
  usual ??= rest;
  expect(rest).toBe(usual);
  expect(JSON.parse(data)).toEqual(picture.nodes.map((node) => node.facts));
  return readDrawing(drawing);
}

describe('html', () => {
  testRenderer(html, read);

  it('allows its own script and style by their hashes, and nothing else', async () => {
    const page = (await html.render(drawPicture({ tasks: [described({ name: 'a' })] }))) as string;
    const policy = /http-equiv="Content-Security-Policy" content="([^"]*)"/.exec(page)?.[1] ?? '';
    const hashes = [/<style>([\s\S]*)<\/style>/, /<script>([\s\S]*)<\/script>/].map((part) =>
      createHash('sha256')
        .update(part.exec(page)?.[1] ?? '')
        .digest('base64'),
    );
    expect(policy.split('; ')).toEqual([
      "default-src 'none'",
      'img-src data:',
      `style-src 'sha256-${hashes[0]}'`,
      `script-src 'sha256-${hashes[1]}'`,
      "base-uri 'none'",
      "form-action 'none'",
    ]);
    expect(page.indexOf('Content-Security-Policy')).toBeLessThan(page.indexOf('<style'));
  });

  it('names no address to load from', async () => {
    const page = (await html.render(drawPicture({ tasks: [described({ name: 'a' })] }))) as string;
    expect(page.replace('http://www.w3.org/2000/svg', '')).not.toMatch(/https?:|url\((?!#)|@import|src=|href="(?!data:,")/);
  });
});
