/**
 * The console in Chromium, by the browser's own clocks: paints of a cold start, and the event timing of each
 * interaction (from the input to the next paint, in steps of 8 ms, at least 16), with 500 campaigns and an audience of
 * a million users; and the time until the requested content is shown.
 */
import { join } from 'node:path';
import { type Browser, chromium, type Page } from 'playwright-core';
import { makeAudiences } from './made-audiences.ts';
import { type BenchOptions, type BenchReport, figures } from './report.ts';
import { type BenchService, makePopulation, people, startService, withFolder } from './service.ts';

const SIZES = {
  full: { users: 1_000_000, campaigns: 500, rounds: 5 },
  quick: { users: 20_000, campaigns: 50, rounds: 2 },
};
const CHROMIUM = '/usr/bin/chromium';
const ARGS = ['--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking'];
const VIEWPORT = { width: 1440, height: 900 };
const SEEDS = 2_000;
/** People that each made-up audience ranks: the list shows sizes, and reads no ranking. */
const RANKED = 10_000;
const LARGE = 'All of them';
/** Campaigns per page of the list. */
const PAGE_SIZE = 50;
const LIMIT_MS = 60_000;
/** Interactions without an event-timing entry took less. */
const SHORTEST_MS = 16;
/** The browser reports events when it is idle. */
const TOLD_MS = 200;

/** Runs in the page before its own scripts: records paints, events and the time of the last input. */
const OBSERVE = `
  globalThis.seen = { events: [], largest: 0, input: 0 };
  for (const name of ['keydown', 'pointerup'])
    addEventListener(name, (event) => { seen.input = event.timeStamp; }, true);
  new PerformanceObserver((list) => {
    for (const { interactionId, duration } of list.getEntries()) if (interactionId > 0) seen.events.push(duration);
  }).observe({ type: 'event', durationThreshold: ${SHORTEST_MS} });
  new PerformanceObserver((list) => { seen.largest = list.getEntries().at(-1).startTime; })
    .observe({ type: 'largest-contentful-paint', buffered: true });
`;

const FIRST_PAINT = 'performance.getEntriesByName("first-contentful-paint")[0].startTime';
const ROWS = 'document.querySelectorAll("[data-row]").length';
const NOTHING_LOADS = 'document.querySelector(".loading") === null';
const PANEL_HAS_TEXT = `document.querySelector("[role=tabpanel]")?.textContent.length > 40 && ${NOTHING_LOADS}`;
const headingIs = (text: string) => `document.querySelector("h1")?.textContent === ${JSON.stringify(text)}`;

type Times = Record<string, readonly number[]>;
/** Runs `input`, and measures under its name until `shown` holds. */
type Act = (name: string, input: () => Promise<void>, shown: string) => Promise<void>;

export async function benchConsole({ quick, users: asked, note }: BenchOptions): Promise<BenchReport> {
  const { campaigns, rounds, ...size } = quick ? SIZES.quick : SIZES.full;
  const users = asked ?? size.users;
  return withFolder(async (folder) => {
    note(`making a population of ${users.toLocaleString('en')} people and ${campaigns} audiences`);
    const population = await makePopulation(folder, users);
    const dataDir = join(folder, 'service');
    const first = await startService(population, dataDir);
    await makeLarge(first, people(SEEDS, users));
    await first.stop();
    const made = { percent: 5, ranked: Math.min(RANKED, users), isQualityCopied: true };
    await makeAudiences(dataDir, population, { campaigns: campaigns - 1, ...made });
    const service = await startService(population, dataDir);
    note('measuring');
    const browser = await chromium.launch({ executablePath: CHROMIUM, args: ARGS });
    try {
      const times: Times = {};
      for (let round = 0; round < rounds; round++) await visit(browser, service.url, campaigns, times);
      return { results: figures(times, 'ms'), ratios: {} };
    } finally {
      await browser.close();
      await service.stop();
    }
  });
}

/** Makes an audience of everybody who is not a seed. */
async function makeLarge({ call }: BenchService, seeds: readonly string[]): Promise<void> {
  const { json } = await call('POST', '/v1/campaigns', { name: LARGE, seeds, audience: { percent: 100 } });
  for (;;) {
    const { json: campaign } = await call('GET', `/v1/campaigns/${json.id}`);
    if (campaign.state === 'ready') return;
    if (campaign.state === 'failed') throw new Error(JSON.stringify(campaign.reason));
  }
}

/** A person opens the console for the first time, looks for the large audience, and opens it. */
async function visit(browser: Browser, url: string, campaigns: number, times: Times): Promise<void> {
  const context = await browser.newContext({ viewport: VIEWPORT, reducedMotion: 'reduce' });
  const page = await context.newPage();
  await page.addInitScript(OBSERVE);
  const add = (name: string, ms: number) => {
    times[name] = [...(times[name] ?? []), ms];
  };
  const act: Act = async (name, input, shown) => {
    const told = await interact(page, input, shown);
    add(name, told.event);
    add(`${name}, until shown`, told.shown);
  };
  const some = Math.min(PAGE_SIZE, campaigns);
  await page.goto(`${url}/console/`);
  add('first list', await shownAfter(page, `${ROWS} === ${some}`));
  add('first contentful paint', Number(await page.evaluate(FIRST_PAINT)));
  add('largest contentful paint', Number(await page.evaluate('seen.largest')));
  await useList(page, act, campaigns);
  await page.goto(`${url}/console/#/audiences?search=${encodeURIComponent(LARGE)}`);
  await shownAfter(page, `${ROWS} === 1`);
  await useAudience(page, act);
  await context.close();
}

/** Uses the whole list, then its filters. */
async function useList(page: Page, act: Act, campaigns: number): Promise<void> {
  for (let rows = PAGE_SIZE; rows < campaigns; rows += PAGE_SIZE)
    await act('more of the list', () => page.getByRole('button', { name: 'Show more' }).click(), `${ROWS} > ${rows}`);
  const search = page.getByRole('searchbox');
  await act('filter by name', () => search.pressSequentially(LARGE), `${ROWS} === 1`);
  await search.fill('');
  await shownAfter(page, `${ROWS} > 1`);
  await page.getByLabel('Status').focus();
  // "Too few customers"
  await act('filter by state', () => page.keyboard.press('t'), `${ROWS} === 0`);
}

async function useAudience(page: Page, act: Act): Promise<void> {
  const click = (role: 'link' | 'tab', name: string) => () => page.getByRole(role, { name, exact: true }).click();
  await act('open an audience', click('link', LARGE), headingIs(LARGE));
  await shownAfter(page, 'document.querySelector("[role=slider]") !== null');
  await page.getByRole('slider').focus();
  await act('move the size', () => page.keyboard.press('ArrowLeft'), 'true');
  for (const name of ['Who they are', 'Members', 'Versions'])
    await act(`tab ${name}`, click('tab', name), PANEL_HAS_TEXT);
  await act('populations', click('link', 'Populations'), `${headingIs('Populations')} && ${NOTHING_LOADS}`);
}

/** Waits for a paint in which `condition` holds; returns the ms since the page began to load. */
async function shownAfter(page: Page, condition: string): Promise<number> {
  return Number(
    await page.evaluate(`(async () => {
      const end = performance.now() + ${LIMIT_MS};
      while (!(${condition})) {
        if (performance.now() > end) throw new Error('never: ' + ${JSON.stringify(condition)});
        await new Promise(requestAnimationFrame);
      }
      await new Promise((painted) => requestAnimationFrame(() => setTimeout(painted)));
      return performance.now();
    })()`),
  );
}

/** Returns the longest event of an interaction, and the time from the last input until `shown` held. */
async function interact(
  page: Page,
  input: () => Promise<void>,
  shown: string,
): Promise<{ readonly event: number; readonly shown: number }> {
  await page.evaluate('seen.events.length = 0');
  await input();
  const at = await shownAfter(page, shown);
  const since = Number(await page.evaluate('seen.input'));
  await page.waitForTimeout(TOLD_MS);
  const event = Number(await page.evaluate(`Math.max(${SHORTEST_MS}, ...seen.events)`));
  return { event, shown: at - since };
}
