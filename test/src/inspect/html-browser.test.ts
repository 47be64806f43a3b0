import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Page } from 'playwright-core';
import { html } from '../../../src/inspect/html.ts';
import { drawPicture } from '../../../src/inspect/picture.ts';
import { svg } from '../../../src/inspect/svg.ts';
import { described, nastyNames } from '../../conformance/renderer.ts';
import { type Browser, openChromium, reasonWithoutBrowser } from '../../services/chromium.ts';

const reason = reasonWithoutBrowser();
if (reason !== undefined) process.stderr.write(`skipped: pictures in a browser: ${reason}\n`);

(reason === undefined ? describe : describe.skip)(`pictures in a browser${reason === undefined ? '' : ` (skipped: ${reason})`}`, () => {
  let browser: Browser;
  let folder: string;
  /** What should never happen while a page is open. */
  let trouble: string[];

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'heddle-pictures-'));
    browser = await openChromium();
  }, 60_000);
  afterAll(async () => {
    await browser?.close();
    await rm(folder, { recursive: true, force: true });
  });

  const open = async (file: string, content: string): Promise<Page> => {
    const path = join(folder, file);
    await writeFile(path, content);
    const address = pathToFileURL(path).href;
    trouble = [];
    const page = await browser.context.newPage();
    page.on('console', (message) => trouble.push(`console: ${message.text()}`));
    page.on('pageerror', (error) => trouble.push(`error: ${error.message}`));
    page.on('dialog', (dialog) => {
      trouble.push(`dialog: ${dialog.message()}`);
      void dialog.dismiss();
    });
    page.on('request', (request) => {
      if (request.url() !== address && request.url() !== 'data:,') trouble.push(`request: ${request.url()}`);
    });
    await page.goto(address);
    return page;
  };

  //  each name depends on the one before
  const tasks = nastyNames.map((name, row) =>
    described({ name, key: `${name} ${row}`, members: [`in ${name}`, `${name} ${row}`], dependencies: row === 0 ? [] : [row - 1] }),
  );
  const picture = drawPicture({
    tasks: [...tasks, described({ name: 'all', key: 'all-1', isOutput: true, dependencies: tasks.map((_, row) => row) })],
  });

  it('opens the page, shows every name as text, and nothing in a name acts', async () => {
    const page = await open('nasty.html', (await html.render(picture)) as string);
    const shown = await page
      .locator('main svg [data-node]')
      .evaluateAll((nodes) => nodes.map((node) => [...node.querySelectorAll('text')].map((text) => text.textContent)));
    expect(shown).toEqual(picture.nodes.map(({ label, detail }) => [label, detail]));
    expect(await page.locator('script').count()).toBe(2);
    expect(await page.locator('img, iframe, a, b, [onload], [onmouseover]').count()).toBe(0);
    await page.waitForTimeout(200);
    expect(trouble).toEqual([]);
    await page.close();
  });

  it('shows key, name and members of the node that is pointed at', async () => {
    const page = await open('hover.html', (await html.render(drawPicture({ tasks: tasks.slice(0, 3) }))) as string);
    const panel = page.locator('#facts');
    expect(await panel.isHidden()).toBe(true);
    await page.locator('[data-node="2"]').hover();
    expect(await panel.locator('dd').allTextContents()).toEqual(
      drawPicture({ tasks: tasks.slice(0, 3) }).nodes[2]?.facts.map(([, text]) => text),
    );
    expect(await page.locator('path.near').count()).toBe(1);
    expect(trouble).toEqual([]);
    await page.close();
  });

  it('zooms, pans and finds', async () => {
    const page = await open('move.html', (await html.render(drawPicture({ tasks: tasks.slice(0, 6) }))) as string);
    const box = async (): Promise<number[]> => ((await page.locator('main svg').getAttribute('viewBox')) ?? '').split(' ').map(Number);
    const [x = 0, , width = 0] = await box();
    await page.mouse.move(640, 400);
    await page.mouse.wheel(0, -400);
    for (let i = 0; i < 100 && (await box())[2] === width; i++) await page.waitForTimeout(20); // the wheel arrives when it arrives
    expect((await box())[2]).toBeLessThan(width);
    await page.locator('#fit').click();
    expect(await box()).toEqual([x, expect.any(Number), width, expect.any(Number)]);
    await page.mouse.move(20, 300);
    await page.mouse.down();
    await page.mouse.move(120, 300, { steps: 4 });
    await page.mouse.up();
    expect((await box())[0]).toBeLessThan(x);
    await page.locator('#find').fill(nastyNames[3] ?? '');
    expect(await page.locator('[data-node]:not(.dim)').count()).toBe(1);
    expect(trouble).toEqual([]);
    await page.close();
  });

  it('begins a very wide graph where its result can be read', async () => {
    const leaves = Array.from({ length: 400 }, (_, row) => described({ name: 'leaf', key: `leaf-${row}` }));
    const wide = drawPicture(
      { tasks: [...leaves, described({ name: 'all', dependencies: leaves.map((_, row) => row), isOutput: true })] },
      { group: false },
    );
    const page = await open('wide.html', (await html.render(wide)) as string);
    const place = await page.locator('[data-node="400"] text').first().boundingBox();
    expect(place?.height).toBeGreaterThan(5);
    expect(place?.x).toBeGreaterThan(0);
    expect(place?.x).toBeLessThan(1280);
    await page.locator('#fit').click();
    await page.locator('#out').click();
    expect(trouble).toEqual([]);
    await page.close();
  });

  it('opens the svg by itself', async () => {
    const page = await open('nasty.svg', (await svg.render(picture)) as string);
    expect(await page.locator('[data-node]').count()).toBe(picture.nodes.length);
    expect(await page.locator('parsererror, script, img').count()).toBe(0);
    expect(trouble).toEqual([]);
    await page.close();
  });
});
