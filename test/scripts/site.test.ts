/** The documentation site: built without broken links, usable on a phone and on a desktop in both themes, searchable. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import fastifyStatic from '@fastify/static';
import fastify, { type FastifyInstance } from 'fastify';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import {
  describeInBrowser,
  laidOut,
  launchBrowser,
  openPage,
  THEMES,
  takeScreenshot,
  violationsOf,
} from '../console/browser.ts';
import { ROOT } from '../fixture/served.ts';

const PHONE_PX = 390;
const DESKTOP_PX = 1280;
const PAGES = ['index', 'why', 'import', 'onnx-grad', 'reference/users'];

let server: FastifyInstance;
let browser: Browser;
let url: string;

describeInBrowser('the documentation site', () => {
  beforeAll(async () => {
    // vitest sets another NODE_ENV
    const env = { ...process.env, NODE_ENV: 'production' };
    const built = spawnSync(process.execPath, ['scripts/site.mjs'], { cwd: ROOT, env, encoding: 'utf8' });
    expect(built.status, `${built.stdout}${built.stderr}`).toBe(0);
    server = fastify();
    server.register(fastifyStatic, { root: join(ROOT, 'dist/site') });
    url = await server.listen({ host: '127.0.0.1', port: 0 });
    browser = await launchBrowser();
  });

  afterAll(async () => {
    await browser?.close();
    await server?.close();
  });

  it.each(THEMES)('has no page that scrolls sideways or that axe-core objects to, in the %s theme', async (theme) => {
    const { page, faults } = await openPage(browser, url, theme, DESKTOP_PX);
    const found: object[] = [];
    for (const path of PAGES) {
      await page.goto(`${url}/${path}.html`);
      // a theme changes colours alone, so the dark one is looked at in one width
      for (const width of theme === 'light' ? [DESKTOP_PX, PHONE_PX] : [PHONE_PX]) {
        await page.setViewportSize({ width, height: 900 });
        await laidOut(page);
        await takeScreenshot(page, `site-${path.replaceAll(/\W+/g, '-')}-${width}-${theme}`);
        const violations = await violationsOf(page);
        const pageWidth = await page.evaluate('document.documentElement.scrollWidth');
        if (pageWidth !== width || violations.length > 0) found.push({ path, width, pageWidth, violations });
      }
    }
    expect([found, faults.list]).toEqual([[], []]);
  });

  it.each(THEMES)('finds pages by their words, in a dialog that axe-core accepts, in the %s theme', async (theme) => {
    const { page, faults } = await openPage(browser, url, theme, DESKTOP_PX);
    await page.goto(url);
    await page.getByRole('button', { name: 'Search' }).click();
    await page.getByRole('combobox').fill('hold-out');
    await page.locator('a.result[href*="campaign-with-holdout"]').first().waitFor();
    for (const width of [DESKTOP_PX, PHONE_PX]) {
      await page.setViewportSize({ width, height: 900 });
      await laidOut(page);
      await takeScreenshot(page, `site-search-${width}-${theme}`);
      expect(await violationsOf(page), `${width} px`).toEqual([]);
    }
    expect(faults.list).toEqual([]);
  });
});
