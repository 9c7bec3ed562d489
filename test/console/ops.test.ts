/** Populations, models and the status in a real browser. */
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { beforeAll, expect, it } from 'vitest';
import { readModelFolder } from '../../src/model/folder.ts';
import { featureOf } from '../../src/model/manifest.ts';
import { publishModel } from '../../src/model/promotion.ts';
import { importPopulation } from '../../src/population/import.ts';
import { writeVariant } from '../fixture/model-variants.ts';
import { ROOT } from '../fixture/served.ts';
import {
  describeInBrowser,
  expectAccessible,
  THEMES,
  takeScreenshot,
  takeScreenshots,
  useConsoleFixture,
} from './browser.ts';

const OPERATOR = 'the key of the operator';
const HEADERS = { authorization: `Bearer ${OPERATOR}` };
const MODEL = join(ROOT, 'models/demo');
const fixture = useConsoleFixture({ METAHEAC_API_KEY: OPERATOR });

/** What exists before the tests of this file begin. */
const versions = { first: '', second: '', model: '', better: '', broken: '' };
let reader = '';

const IDENTIFIERS = `user_id,type,rule,value
newcomer-1,email,uid2,ann@example.com
newcomer-1,email,uid2,ann.lee@example.com
newcomer-2,email,uid2,bob@example.com
newcomer-2,custom:shop,sha256,4711
`;

/**
 * The population a day later: ten people left, and five came whose place of residence the model does not know, two of
 * them with identifiers.
 */
async function importTomorrow(folder: string): Promise<string> {
  const [today, tomorrow] = [join(folder, 'data'), join(folder, 'tomorrow')];
  mkdirSync(tomorrow);
  cpSync(join(today, 'dataset.json'), join(tomorrow, 'dataset.json'));
  const lines = readFileSync(join(today, 'users.ndjson'), 'utf8').trim().split('\n');
  const pattern = JSON.parse(lines[0]!);
  const more = [1, 2, 3, 4, 5].map((i) =>
    JSON.stringify({ ...pattern, user_id: `newcomer-${i}`, country: 'atlantis' }),
  );
  writeFileSync(join(tomorrow, 'users.ndjson'), `${[...lines.slice(10), ...more].join('\n')}\n`);
  const wanted = readModelFolder(MODEL).manifest.features.user.map(featureOf);
  const identifierFile = join(folder, 'identifiers.csv');
  writeFileSync(identifierFile, IDENTIFIERS);
  const out = join(folder, 'population');
  return (await importPopulation({ source: tomorrow, features: wanted, out, identifierFiles: [identifierFile] }))
    .version;
}

async function publishVariant(folder: string, name: string, isBroken: boolean): Promise<string> {
  const out = join(folder, name);
  const version = writeVariant(MODEL, out, ({ golden_batch: golden }) => ({
    name,
    ...(isBroken && { golden_batch: { ...golden, scores: golden.scores.map((score) => score / 2) } }),
  }));
  await publishModel(join(folder, 'data-dir/models'), out);
  return version;
}

/** A page opened with a key: the operator's by default. */
async function openAs(place: string, key = OPERATOR, theme: 'light' | 'dark' = 'light') {
  const opened = await fixture().open(theme);
  await opened.go(place);
  await opened.page.getByLabel('API key').fill(key);
  await opened.page.getByRole('button', { name: 'Sign in' }).click();
  return opened;
}

beforeAll(async () => {
  if (fixture() === undefined) return;
  const { served, folder, people } = fixture();
  const status = (await served.call('GET', '/v1/status', undefined, HEADERS)).json;
  versions.first = status.versions.population;
  versions.model = status.versions.model;
  versions.second = await importTomorrow(folder);
  versions.better = await publishVariant(folder, 'better', false);
  versions.broken = await publishVariant(folder, 'broken', true);
  reader = (await served.call('POST', '/v1/keys', { name: 'a reader', scope: 'read' }, HEADERS)).json.key;
  const campaign = { name: 'Autumn shoes', seeds: people.slice(0, 120), audience: { size: 100 } };
  const { json } = await served.call('POST', '/v1/campaigns', campaign, HEADERS);
  await served.until(async () => {
    const { json: now } = await served.call('GET', `/v1/campaigns/${json.id}`, undefined, HEADERS);
    return now.state === 'ready';
  }, 'made an audience');
});

describeInBrowser('the populations', () => {
  it('show the versions, what an import changed, and what the model does not know', async () => {
    const { page, faults } = await openAs(`populations?version=${versions.second}`);
    const row = page.getByRole('row', { name: new RegExp(versions.first) });
    await row.getByText('In use').waitFor();
    expect(await row.textContent()).toContain('2,000');
    const changed = page.getByRole('region', { name: `What changed in ${versions.second}` });
    await changed.getByText('New people').waitFor();
    expect(await changed.textContent()).toMatch(/New people5Removed people10People with changes0/);
    const country = page.getByRole('row', { name: /^country/ });
    expect(await country.textContent()).toContain('1 of');
    const { json } = await fixture().served.call('GET', `/v1/populations/${versions.second}`, undefined, HEADERS);
    const feature = json.features.find(({ name }: { name: string }) => name === 'country');
    expect(feature).toMatchObject({ kind: 'single', unknown_values: 1, unknown_share: 5 / feature.users });
    expect(await country.textContent()).toContain(String(feature.values));
    const identifiers = page.getByRole('region', { name: `Identifiers in ${versions.second}` });
    expect(await identifiers.getByRole('row').allTextContents()).toEqual([
      'TypeRulePeople with oneIdentifiers',
      'custom:shopsha2560.1%11',
      'E-mail addressesuid20.1%23',
    ]);
    expect(faults.list).toEqual([]);
  });

  it('are updated when another version is activated, and can be activated', async () => {
    const opened = await openAs('populations');
    const { page } = opened;
    const second = page.getByRole('row', { name: new RegExp(versions.second) });
    const first = page.getByRole('row', { name: new RegExp(versions.first) });
    await first.getByText('In use').waitFor();
    await fixture().served.call('POST', `/v1/populations/${versions.second}/activate`, undefined, HEADERS);
    await second.getByText('In use').waitFor();
    await first.getByRole('button', { name: 'Roll back' }).click();
    const dialog = page.getByRole('dialog');
    expect(await dialog.textContent()).toContain('the 2,000 people of this version, instead of the 1,995 people');
    await expectAccessible(page);
    await takeScreenshots(opened, 'dialog-population', 'light');
    await dialog.getByRole('button', { name: 'Use this version' }).click();
    await dialog.waitFor({ state: 'hidden' });
    await first.getByText('In use').waitFor();
    const { json } = await fixture().served.call('GET', '/v1/populations/current', undefined, HEADERS);
    expect(json.version).toBe(versions.first);
  });

  it('are updated in the form of a new audience', async () => {
    const { served, people } = fixture();
    const activate = (version: string) =>
      served.call('POST', `/v1/populations/${version}/activate`, undefined, HEADERS);
    const { page, faults } = await openAs('audiences/new');
    await page.getByLabel('Name', { exact: true }).fill('Over two populations');
    await page.getByLabel('Or paste customer IDs').fill(people.slice(0, 120).join('\n'));
    await page.getByText('120 customers matched.').waitFor();
    await activate(versions.second);
    await page.getByText('A population with 1,995 people is now in use', { exact: false }).waitFor();
    // the ten people who left
    await page.getByText('110 customers matched, 10 unknown.').waitFor();
    await page.getByText('Expected quality').waitFor();
    await expectAccessible(page);
    await page.getByRole('button', { name: 'Create audience' }).click();
    await page.getByRole('tab', { name: 'Size' }).waitFor();
    const id = page.url().split('/').at(-1)!.split('?')[0];
    const { json } = await served.call('GET', `/v1/campaigns/${id}`, undefined, HEADERS);
    expect(json.population_version).toBe(versions.second);
    // the audience stays as it is when the previous version is back
    await activate(versions.first);
    await page.getByRole('tab', { name: 'Members' }).click();
    await page.getByRole('row', { name: /^1 / }).waitFor();
    await served.call('DELETE', `/v1/campaigns/${id}`, undefined, HEADERS);
    expect(faults.list).toEqual([]);
  });

  it('offer no activation to a key that can only read', async () => {
    const { page } = await openAs('populations', reader);
    await page.getByRole('row', { name: new RegExp(versions.second) }).waitFor();
    expect(await page.getByRole('button', { name: /Activate|Roll back/ }).count()).toBe(0);
    await page.getByRole('link', { name: 'Models' }).click();
    await page.getByRole('row', { name: new RegExp(versions.better) }).waitFor();
    expect(await page.getByRole('button', { name: /Activate|Roll back/ }).count()).toBe(0);
  });
});

describeInBrowser('the models', () => {
  it('say why one was refused', async () => {
    const { page } = await openAs('models');
    await page.getByRole('button', { name: `Activate ${versions.broken}` }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Check and use' }).click();
    await page.getByText(/golden batch is not reproduced/).waitFor();
    await page
      .getByRole('row', { name: new RegExp(`^${versions.broken}`) })
      .getByText('Refused')
      .waitFor();
  });

  it('are compared on the existing audiences, then used, then rolled back', async () => {
    const opened = await openAs('models', OPERATOR, 'dark');
    const { page, faults } = opened;
    await page.getByRole('button', { name: `Activate ${versions.better}` }).click();
    await page.getByRole('dialog').getByRole('button').first().waitFor();
    await expectAccessible(page);
    await takeScreenshots(opened, 'dialog-model', 'dark');
    await page.getByRole('dialog').getByRole('button', { name: 'Check and use' }).click();
    const check = page.getByRole('region', { name: `Check of ${versions.better}` });
    await check.getByText('Passed').waitFor();
    const compared = check.getByRole('row', { name: /Autumn shoes/ });
    await compared.waitFor();
    const { json } = await fixture().served.call('GET', `/v1/models/${versions.better}`, undefined, HEADERS);
    const [{ overlap, fresh }] = json.check.comparisons;
    const text = (await compared.textContent()) ?? '';
    for (const size of ['0.01', '0.05', '0.1']) expect(text).toContain(`${Math.round(overlap[size] * 100)}%`);
    expect(text).toContain(`${Number((fresh.recall_at_5_percent * 100).toFixed(1))}%`);
    await page.getByRole('button', { name: `Roll back ${versions.better}` }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Roll back' }).click();
    await page
      .getByRole('row', { name: new RegExp(`^${versions.model}`) })
      .getByText('In use')
      .waitFor();
    expect(faults.list).toEqual([]);
  });

  it('show the quality of the one in use, with intervals', async () => {
    const { page } = await openAs('models');
    const { json } = await fixture().served.call('GET', '/v1/models/current', undefined, HEADERS);
    const row = page.getByRole('row', { name: /^All campaigns/ });
    await row.waitFor();
    const { mean, low, high } = json.evaluation.groups.all.lift['0.05'];
    expect(await row.textContent()).toContain(`${mean.toFixed(1)}× (${low.toFixed(1)}× to ${high.toFixed(1)}×)`);
    expect(await page.getByRole('row', { name: /^brand/ }).textContent()).toContain('178');
  });
});

describeInBrowser('the status', () => {
  it('shows components, work, versions and the last errors', async () => {
    const { page, faults } = await openAs('status');
    await page.getByText('Everything is working').waitFor();
    const { json } = await fixture().served.call('GET', '/v1/status', undefined, HEADERS);
    const parts = page.getByRole('table', { name: 'Components of the service' });
    for (const { name } of json.parts) await parts.getByRole('row', { name: new RegExp(`^${name}`) }).waitFor();
    const text = (await page.getByRole('main').textContent()) ?? '';
    for (const said of [json.versions.service, json.versions.model, json.versions.population, '1 ready'])
      expect(text).toContain(said);
    // the engine reports it with its next heartbeat
    const scored = async () => (await fixture().served.call('GET', '/v1/status', undefined, HEADERS)).json.engine;
    await fixture().served.until(async () => (await scored()).users_scored > 0, 'tells how many it scored');
    await page.getByText(/\d\/s$/).waitFor();
    expect(faults.list).toEqual([]);
  });
});

const CANVAS = { dark: 'rgb(20, 20, 19)', light: 'rgb(255, 255, 255)' };

/** Changes the browser's theme, which the page follows. */
async function switchTo(page: Page, theme: 'light' | 'dark'): Promise<void> {
  await page.emulateMedia({ colorScheme: theme });
  await page.locator(theme === 'dark' ? 'html.dark-mode' : 'html:not(.dark-mode)').waitFor();
  expect(await page.evaluate('getComputedStyle(document.body).backgroundColor')).toBe(CANVAS[theme]);
}

describeInBrowser('the API reference', () => {
  it("has the project's name and colours in both themes, and links to the console", async () => {
    const { page, faults } = await fixture().open();
    await page.goto(`${fixture().url}/docs`);
    await page.getByText('Metrics for Prometheus').waitFor();
    expect(await page.title()).toBe('metaheac API');
    expect(await page.locator('.topbar').isVisible()).toBe(false);
    // what is opened, tried and asked for has faults of its own; every-page.test.ts looks at the rest
    await page.locator('.opblock-summary-control').first().click();
    await page.locator('.opblock-summary-control').nth(3).click();
    await page.locator('.try-out__btn').first().click();
    await page.locator('.execute').first().waitFor();
    for (const theme of THEMES) {
      await switchTo(page, theme);
      await expectAccessible(page, '.opblock.is-open');
      await takeScreenshot(page, `reference-1600-${theme}`);
    }
    await page.locator('.btn.authorize').first().click();
    await page.getByRole('button', { name: 'Close' }).first().waitFor();
    for (const theme of THEMES) {
      await switchTo(page, theme);
      await expectAccessible(page, '.dialog-ux');
    }
    await page.getByRole('button', { name: 'Close' }).first().click();
    await page.getByRole('link', { name: 'Console' }).click();
    await page.getByRole('link', { name: 'API reference' }).or(page.getByLabel('API key')).waitFor();
    expect(faults.list).toEqual([]);
  });
});
