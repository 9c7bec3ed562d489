/**
 * A real browser on a real service: Debian's Chromium, and `metaheac serve` with the demo's model and some of its
 * people. Without Chromium the tests are skipped with a clear warning; if CI is set, they fail instead.
 */
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect } from 'vitest';
import { fewDemoPeople } from '../fixture/demo-world.ts';
import { temporaryFolder } from '../fixture/folders.ts';
import { ROOT, Served } from '../fixture/served.ts';

/** The browser without its window takes a quarter less processor time. */
const CHROMIUMS = ['/usr/bin/chromium-headless-shell', '/usr/bin/chromium'] as const;
const CHROMIUM = CHROMIUMS.find((path) => existsSync(path)) ?? CHROMIUMS[0];
const IS_SKIPPED = !process.env['CI'] && !existsSync(CHROMIUM);
if (IS_SKIPPED)
  process.stderr.write(
    `SKIPPED: the tests of the console need ${CHROMIUMS.join(' or ')}, of Debian's packages of these names\n`,
  );

/** `describe`, for tests that need the browser. */
export const describeInBrowser = describe.skipIf(IS_SKIPPED);

const ARGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  // Chromium takes the last list of features, so this one repeats Playwright's that concern a local page
  `--disable-features=${[
    ...['HttpsUpgrades', 'HttpsFirstBalancedModeAutoEnable', 'MediaRouter', 'OptimizationHints', 'PaintHolding'],
    ...['DestroyProfileOnBrowserClose', 'NetworkTimeServiceQuerying', 'AimEnabled', 'PreconnectToSearch'],
    // pages of the browser's own window, which nobody sees: without them, a tab takes half the processor time to open
    ...['PreloadTopChromeWebUI', 'InitialWebUI', 'WebUIReloadButton', 'WebUIToolbar', 'WebUIOmniboxPopup'],
  ].join(',')}`,
];
const AXE = readFileSync(join(ROOT, 'node_modules/axe-core/axe.min.js'), 'utf8');
const SCREENSHOTS = join(ROOT, 'test/console/screenshots');
/** Images are for people: no test reads them. */
const TAKES_SCREENSHOTS = process.env['SCREENSHOTS'] === '1';
const WIDTHS = [360, 1600];
const HEIGHT = 900;
/** After this time, a response of the page counts as failed; generous, for busy machines. */
const LIMIT_MS = 60_000;
/** For the contents of a page whose test has failed already. */
const SNAPSHOT_MS = 5_000;

export const THEMES = ['light', 'dark'] as const;
export type Theme = (typeof THEMES)[number];

interface Faults {
  /** What the page's own scripts threw or logged as an error, including refused inline scripts. */
  readonly list: string[];
}

export interface ConsolePage {
  readonly page: Page;
  /** Goes to a place of the console, such as `audiences?state=ready`. */
  readonly go: (place: string) => Promise<void>;
  readonly faults: Faults;
}

export interface ConsoleFixture {
  readonly served: Served;
  readonly url: string;
  /** Ids of the population. */
  readonly people: readonly string[];
  /** Where its population, its data set (`data`) and its data folder (`data-dir`) are. */
  readonly folder: string;
  /** A new tab in a separate browser context: no key, no theme, nothing stored. It is closed after the test. */
  open(theme?: Theme, width?: number): Promise<ConsolePage>;
  /** Kills the service as a failing machine would, and restarts it on the same port with the same data. */
  kill(): void;
  restart(): Promise<void>;
}

export function launchBrowser(): Promise<Browser> {
  return chromium.launch({ executablePath: CHROMIUM, args: ARGS });
}

/** A service and a browser for the tests of one file, which begin with `await fixture()`. */
export function useConsoleFixture(env: Readonly<Record<string, string>> = {}): () => ConsoleFixture {
  const ends: (() => unknown)[] = [];
  const atEnd = (end: () => void) => void ends.push(end);
  let made: ConsoleFixture;
  const contexts: BrowserContext[] = [];
  beforeAll(async () => {
    if (IS_SKIPPED) return;
    const folder = temporaryFolder();
    const launched = launchBrowser();
    ends.push(async () => (await launched).close());
    const [world, browser] = await Promise.all([fewDemoPeople(folder, 2_000, { labels: true }), launched]);
    // on a busy machine an estimate takes longer than users would wait
    const slow = { METAHEAC_ESTIMATE_TIME_MS: '30000' };
    const options = { ...world, dataDir: join(folder, 'data-dir'), env: { ...slow, ...env } };
    let served = await Served.start(options, atEnd);
    const url = `http://127.0.0.1:${served.port}`;
    made = {
      url,
      folder,
      people: readFileSync(join(folder, 'data/users.ndjson'), 'utf8')
        .split('\n')
        .filter(Boolean)
        .map((line) => JSON.parse(line).user_id),
      get served() {
        return served;
      },
      open: async (theme = 'light', width = WIDTHS[1]!) => {
        const opened = await openPage(browser, url, theme, width);
        contexts.push(opened.page.context());
        return opened;
      },
      kill: () => served.killGroup(),
      restart: async () => {
        served = await Served.start({ ...options, port: served.port }, atEnd);
      },
    };
  });
  // an open page goes on asking the service
  afterEach(async ({ task }) => {
    const opened = contexts.splice(0);
    const shownPages = task.result?.state === 'fail' ? opened.flatMap((context) => context.pages()) : [];
    const shown = await Promise.all(shownPages.map(shownOn));
    for (const context of opened) await context.close();
    // a second error of the test that failed
    if (shown.length > 0) throw new Error(shown.join('; '));
  });
  afterAll(async () => {
    for (const end of ends.reverse()) await end();
  });
  return () => made;
}

/** What a page shows, without its navigation, as its roles, names and states; or why nobody can tell. */
async function shownOn(page: Page): Promise<string> {
  const roles = await page.locator('main').ariaSnapshot({ timeout: SNAPSHOT_MS }).catch(String);
  return `${page.url().split('#')[1]} showed: ${roles}`;
}

/** Opens a tab for the pages of `url`; requests to any other address are faults. */
export async function openPage(browser: Browser, url: string, theme: Theme, width: number): Promise<ConsolePage> {
  const context: BrowserContext = await browser.newContext({
    viewport: { width, height: HEIGHT },
    colorScheme: theme,
    reducedMotion: 'reduce',
    locale: 'en-GB',
    timezoneId: 'UTC',
  });
  context.setDefaultTimeout(LIMIT_MS);
  const page = await context.newPage();
  const faults: Faults = { list: [] };
  page.on('pageerror', (error) => faults.list.push(String(error)));
  page.on('console', (message) => {
    if (message.type() === 'error' && !/Failed to load resource/.test(message.text())) faults.list.push(message.text());
  });
  // any request to another machine is a fault
  page.on('request', (request) => {
    if (!request.url().startsWith(url) && !request.url().startsWith('data:')) faults.list.push(request.url());
  });
  return { page, faults, go: async (place) => void (await page.goto(`${url}/console/#/${place}`)) };
}

/** Fails with each rule that axe-core finds violated, and where; `within` is a selector of the part to look at. */
export async function expectAccessible(page: Page, within?: string): Promise<void> {
  expect(await violationsOf(page, within)).toEqual([]);
}

/** A promise for the end of all transitions; animations without an end are not waited for. */
const TRANSITIONS_END = `Promise.allSettled(document.getAnimations().flatMap((each) =>
  Number.isFinite(each.effect.getComputedTiming().endTime) ? [each.finished] : [])).then(() => {})`;

/** The rules that axe-core finds violated, and where; targets that are too small are included. */
export async function violationsOf(page: Page, within = 'html'): Promise<readonly object[]> {
  // colours that are still changing after a switch of the theme would be judged as they are at this moment
  await page.evaluate(TRANSITIONS_END);
  // the page's own policy refuses foreign scripts, so this one is injected by the debugger
  await page.evaluate(AXE);
  return page.evaluate(async (part) => {
    // axe would copy a style sheet that is still loading into a document of its own, which the page's policy refuses
    const options = { preload: false, resultTypes: ['violations'], rules: { 'target-size': { enabled: true } } };
    // @ts-expect-error: axe is in the page
    const { violations: found } = await globalThis.axe.run(part, options);
    return found.map((each: { id: string; help: string; nodes: { html: string }[] }) => ({
      rule: each.id,
      help: each.help,
      nodes: each.nodes.map(({ html }) => html.slice(0, 200)),
    }));
  }, within);
}

/** Whether the page scrolls sideways, and which elements are cut off, by the page or by a box that is too small. */
export function cutOf(page: Page): Promise<readonly string[]> {
  return page.evaluate(findCut);
}

/** Runs in the page. */
function findCut(): string[] {
  // @ts-expect-error: runs in the page
  const { document, innerWidth, getComputedStyle } = globalThis;
  const found: string[] = [];
  if (document.documentElement.scrollWidth > innerWidth) found.push('the page scrolls sideways');
  for (const element of document.body.querySelectorAll('*')) {
    const style = getComputedStyle(element);
    const box = element.getBoundingClientRect();
    // elements for screen readers only, and hidden ones
    if (box.width <= 1 || box.height <= 1 || style.visibility === 'hidden' || style.opacity === '0') continue;
    if (element.closest('.visually-hidden, .skip, canvas, svg, [aria-hidden=true]') !== null) continue;
    const name = `${element.tagName.toLowerCase()}.${element.className}: ${(element.textContent ?? '').trim().slice(0, 60)}`;
    const isText = [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim() !== '');
    const isScrolled = element.closest('.scroll, .microlight, .highlight-code, pre') !== null;
    if (isScrolled) continue;
    if ((isText || element.matches('button, input, select, a')) && (box.right > innerWidth + 1 || box.left < -1))
      found.push(`beyond the edge: ${name}`);
    const clips = style.overflowX !== 'visible' && style.overflowX !== 'auto' && style.overflowX !== 'scroll';
    if (clips && !element.matches('input, select, progress') && element.scrollWidth > element.clientWidth + 1)
      found.push(`too wide for its box: ${name}`);
  }
  return found;
}

/** Nothing of a page may be cut off at two widths. With SCREENSHOTS=1, writes images of it for people to look at. */
export async function takeScreenshots({ page }: ConsolePage, name: string, theme: Theme): Promise<void> {
  for (const width of WIDTHS) {
    await page.setViewportSize({ width, height: HEIGHT });
    await laidOut(page);
    await takeScreenshot(page, `${name}-${width}-${theme}`, { fullPage: true });
    expect([name, width, await cutOf(page)]).toEqual([name, width, []]);
  }
}

/** Waits until the page is laid out anew after a change of its size. */
export async function laidOut(page: Page): Promise<void> {
  await page.evaluate('new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))');
}

/** Writes an image of the page as it is, if images are wanted. */
export async function takeScreenshot(page: Page, name: string, options: { fullPage?: boolean } = {}): Promise<void> {
  if (!TAKES_SCREENSHOTS) return;
  mkdirSync(SCREENSHOTS, { recursive: true });
  await page.screenshot({ ...options, path: join(SCREENSHOTS, `${name}.png`) });
}
