/**
 * A real browser on a real service: Debian's Chromium, and `metaheac serve` with the demo's model and a few of its
 * people. Where there is no Chromium the tests are left out with a loud line; where CI is set they fail instead.
 */
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect } from 'vitest';
import { fewDemoPeople } from '../fixture/demo-world.ts';
import { temporaryFolder } from '../fixture/folders.ts';
import { ROOT, Served } from '../fixture/served.ts';

const CHROMIUM = '/usr/bin/chromium';
const IS_SKIPPED = !process.env['CI'] && !existsSync(CHROMIUM);
if (IS_SKIPPED)
  process.stderr.write(`SKIPPED: the tests of the console need ${CHROMIUM} (Debian's package chromium)\n`);

/** `describe`, for tests that need the browser. */
export const describeInBrowser = describe.skipIf(IS_SKIPPED);

const ARGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];
const AXE = readFileSync(join(ROOT, 'node_modules/axe-core/axe.min.js'), 'utf8');
const SCREENSHOTS = join(ROOT, 'test/console/screenshots');
const WIDTHS = [360, 1600];
const HEIGHT = 900;
/** An answer of the page that takes longer has failed; generous, for machines that do other things too. */
const LIMIT_MS = 60_000;

export const THEMES = ['light', 'dark'] as const;
export type Theme = (typeof THEMES)[number];

interface Faults {
  /** What the page's own scripts threw or logged as an error, a refused inline script among it. */
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
  /** Where its population, its data (`data`) and its data folder (`data-dir`) are. */
  readonly folder: string;
  /** A new tab of a browser of its own: no key, no theme, nothing stored. */
  open(theme?: Theme, width?: number): Promise<ConsolePage>;
  /** Kills the service as a failing machine would, and starts it again at the same port with the same data. */
  kill(): void;
  restart(): Promise<void>;
}

/** A service and a browser for the tests of one file, which begin with `await fixture()`. */
export function useConsoleFixture(env: Readonly<Record<string, string>> = {}): () => ConsoleFixture {
  const ends: (() => unknown)[] = [];
  const atEnd = (end: () => void) => void ends.push(end);
  let made: ConsoleFixture;
  beforeAll(async () => {
    if (IS_SKIPPED) return;
    const folder = temporaryFolder();
    const launched = chromium.launch({ executablePath: CHROMIUM, args: ARGS });
    ends.push(async () => (await launched).close());
    const [world, browser] = await Promise.all([fewDemoPeople(folder, 2_000), launched]);
    // on a busy machine an estimate takes longer than people would wait
    const slow = { METAHEAC_ESTIMATE_TIME_MS: '30000' };
    const options = { ...world, dataDir: join(folder, 'data-dir'), env: { ...slow, ...env } };
    let served = await Served.start(options, atEnd);
    const url = `http://127.0.0.1:${served.port}`;
    made = {
      ...{ url, folder },
      people: readFileSync(join(folder, 'data/users.ndjson'), 'utf8')
        .split('\n')
        .filter(Boolean)
        .map((line) => JSON.parse(line).user_id),
      get served() {
        return served;
      },
      open: (theme = 'light', width = WIDTHS[1]!) => openPage(browser, url, theme, width),
      kill: () => served.killGroup(),
      restart: async () => {
        served = await Served.start({ ...options, port: served.port }, atEnd);
      },
    };
  });
  afterAll(async () => {
    for (const end of ends.reverse()) await end();
  });
  return () => made;
}

async function openPage(browser: Browser, url: string, theme: Theme, width: number): Promise<ConsolePage> {
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
  // whatever a page asks of another machine is a fault
  page.on('request', (request) => {
    if (!request.url().startsWith(url) && !request.url().startsWith('data:')) faults.list.push(request.url());
  });
  return { page, faults, go: async (place) => void (await page.goto(`${url}/console/#/${place}`)) };
}

/** Fails with each rule that axe-core finds broken, and where; `except` names rules that others' markup breaks. */
export async function expectAccessible(page: Page, except: readonly string[] = []): Promise<void> {
  // the page's own policy refuses scripts of others: this one comes in through the debugger
  await page.evaluate(AXE);
  const violations = await page.evaluate(async () => {
    // @ts-expect-error: axe is in the page
    const { violations: found } = await globalThis.axe.run(globalThis.document, { resultTypes: ['violations'] });
    return found.map((each: { id: string; help: string; nodes: { html: string }[] }) => ({
      ...{ rule: each.id, help: each.help, where: each.nodes.map(({ html }) => html.slice(0, 200)) },
    }));
  });
  expect(violations.filter(({ rule }: { readonly rule: string }) => !except.includes(rule))).toEqual([]);
}

/** What a page looks like at two widths, in its theme: PNG files for people to look at. Nothing may be cut off. */
export async function takeScreenshots({ page }: ConsolePage, name: string, theme: Theme): Promise<void> {
  mkdirSync(SCREENSHOTS, { recursive: true });
  for (const width of WIDTHS) {
    await page.setViewportSize({ width, height: HEIGHT });
    await page.screenshot({ path: join(SCREENSHOTS, `${name}-${width}-${theme}.png`), fullPage: true });
    const overflow = await page.evaluate(
      // @ts-expect-error: runs in the page
      () => globalThis.document.documentElement.scrollWidth - globalThis.innerWidth,
    );
    expect([name, width, overflow]).toEqual([name, width, Math.min(overflow, 0)]);
  }
}
