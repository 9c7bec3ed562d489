/** The page of one audience in a real browser, from its creation to its deletion. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { beforeAll, expect, it } from 'vitest';
import { ROOT } from '../architecture/files.ts';
import { describeInBrowser, expectAccessible, THEMES, takeScreenshots, useConsoleFixture } from './browser.ts';

const SEEDS = 120;
const fixture = useConsoleFixture();

/** Maximum number of presses of Tab until the element must have focus. */
const MOST_TABS = 40;

/** Holds back reads of an address until `release`, so that the page shows old data. */
async function holdReads(page: Page, path: string): Promise<{ release: () => void }> {
  let release = () => {};
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  await page.route(`**${path}`, async (route) => {
    if (route.request().method() === 'GET') await held;
    await route.continue().catch(() => {}); // the page gave it up meanwhile
  });
  return { release };
}

/** The expected share, in per cent. */
async function reached(page: Page): Promise<number> {
  return Number.parseFloat((await page.locator('.expected dd').first().textContent()) ?? '');
}

async function campaignOf(id: string): Promise<Record<string, unknown>> {
  return (await fetch(`${fixture().url}/v1/campaigns/${id}`)).json() as Promise<Record<string, unknown>>;
}

describeInBrowser('the page of an audience', () => {
  let id: string;
  beforeAll(async () => {
    const { served, people } = fixture() ?? {};
    if (served === undefined) return;
    id = await served.create({ name: 'Autumn shoes', seeds: people.slice(0, SEEDS), audience: { size: 200 } });
    await served.ended(id);
  });

  it('shows progress until it is ready, even if the service is killed', async () => {
    const { served, people, kill, restart } = fixture();
    const { page, go } = await fixture().open();
    const made = await served.create({ name: 'Watched', seeds: people.slice(10, 10 + SEEDS) });
    await go(`audiences/${made}`);
    await page.getByRole('heading', { name: 'Watched' }).waitFor();
    kill();
    await page.getByText('The service cannot be reached', { exact: false }).waitFor();
    await restart();
    await page.getByRole('tab', { name: 'Size' }).waitFor();
    await page.getByText('The service cannot be reached', { exact: false }).waitFor({ state: 'detached' });
  });

  it('shows what a size reaches, by dragging, by keys and by typing, and saves it', async () => {
    const { page, go, faults } = await fixture().open();
    await go(`audiences/${id}`);
    const slider = page.getByRole('slider', { name: 'People in the audience' });
    await slider.waitFor();
    expect(await slider.getAttribute('aria-valuenow')).toBe('200');
    const over = page.locator('.reach .u-over').first();
    const box = (await over.boundingBox())!;
    await page.mouse.move(box.x + box.width / 4, box.y + box.height / 2);
    await page.mouse.down();
    await page.mouse.move(box.x + 0.9 * box.width, box.y + box.height / 2);
    await page.mouse.up();
    const sizeNow = async () => Number(await slider.getAttribute('aria-valuenow'));
    const dragged = await sizeNow();
    expect(dragged).toBeGreaterThan(400);
    await page.mouse.click(box.x + box.width / 2, box.y + box.height / 2);
    expect(await sizeNow()).toBeLessThan(dragged);
    const field = page.getByLabel('People in the audience').and(page.getByRole('textbox'));
    await field.fill('0');
    await page.getByText('Enter a number between 1 and', { exact: false }).waitFor();
    await field.fill('300');
    expect(await slider.getAttribute('aria-valuenow')).toBe('300');
    await page.getByRole('button', { name: 'Use this size' }).click();
    await page.getByText('The audience now has 300 people.').waitFor();
    await page.getByRole('button', { name: 'Current size' }).waitFor();
    expect(await campaignOf(id)).toMatchObject({ size: 300, audience_version: 2 });
    expect(faults.list).toEqual([]);
  });

  it('can be resized by keyboard alone', async () => {
    const { page, go } = await fixture().open();
    await go(`audiences/${id}`);
    const slider = page.getByRole('slider', { name: 'People in the audience' });
    await slider.waitFor();
    for (let i = 0; i < MOST_TABS && !(await slider.evaluate((element) => element.matches(':focus'))); i++)
      await page.keyboard.press('Tab');
    const before = await reached(page);
    for (const key of ['PageUp', 'ArrowRight', 'ArrowUp', 'ArrowLeft']) await page.keyboard.press(key);
    expect(await slider.getAttribute('aria-valuenow')).toBe('383');
    expect(await slider.getAttribute('aria-valuetext')).toMatch(
      /^383 people reach \d+% of the look-alikes, [\d.]+× as many as a random/,
    );
    expect(await reached(page)).toBeGreaterThanOrEqual(before);
    await page.keyboard.press('Home');
    expect(await reached(page)).toBeLessThan(before);
    await page.keyboard.press('End');
    expect(await reached(page)).toBe(100);
    await page.getByRole('textbox', { name: 'People in the audience' }).press('ControlOrMeta+a');
    await page.keyboard.type('310');
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await page.getByText('The audience now has 310 people.').waitFor();
    // restores the state for the tests below
    await fixture().served.call('PUT', `/v1/campaigns/${id}/audience`, { version: 2 });
  });

  it('shows what somebody else has changed in the meantime, and keeps the chosen size', async () => {
    const { served, people } = fixture();
    const other = await served.create({ name: 'Shared', seeds: people.slice(0, SEEDS), audience: { size: 200 } });
    await served.ended(other);
    const { page, go } = await fixture().open();
    await go(`audiences/${other}`);
    const field = page.getByRole('textbox', { name: 'People in the audience' });
    await field.fill('300');
    const { release } = await holdReads(page, `/v1/campaigns/${other}`);
    await served.call('PATCH', `/v1/campaigns/${other}`, { name: 'Ours', audience: { size: 250 } });
    page.on('response', (response) => response.status() === 412 && release());
    await page.getByRole('button', { name: 'Use this size' }).click();
    const notice = page.getByRole('alert').filter({ hasText: 'Someone else' });
    await notice.getByText('The size is now 250 people; it was 200 people.').waitFor();
    await notice.getByText('The name is now “Ours”; it was “Shared”.').waitFor();
    expect(await campaignOf(other)).toMatchObject({ size: 250 });
    expect(await field.inputValue()).toBe('300');
    await page.getByRole('button', { name: 'Use this size' }).click();
    await page.getByText('The audience now has 300 people.').waitFor();
    await notice.waitFor({ state: 'detached' });
    expect(await campaignOf(other)).toMatchObject({ size: 300 });
  });

  it('changes its name and labels', async () => {
    const { served, people } = fixture();
    const other = await served.create({ name: 'Plain', seeds: people.slice(0, SEEDS), labels: { team: 'growth' } });
    const { page, go } = await fixture().open();
    await go(`audiences/${other}`);
    await page.getByRole('button', { name: 'Edit' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Name').fill('Fancy');
    await served.call('PATCH', `/v1/campaigns/${other}`, { labels: { team: 'brand' } });
    await dialog.getByRole('button', { name: 'Add a label' }).click();
    await dialog.getByLabel('Label 2: key').fill('region');
    await dialog.getByLabel('Label 2: value').fill('north');
    await dialog.getByRole('button', { name: 'Save' }).click();
    await dialog.getByText('The labels changed.').waitFor();
    await dialog.getByRole('button', { name: 'Save my changes' }).click();
    await page.getByRole('heading', { name: 'Fancy' }).waitFor();
    expect(await campaignOf(other)).toMatchObject({ name: 'Fancy', labels: { team: 'growth', region: 'north' } });
  });

  it('finds a member, a user who is not a member, and an unknown one', async () => {
    const { people, url, served } = fixture();
    const { page, go } = await fixture().open();
    const audience = (await (await fetch(`${url}/v1/campaigns/${id}/audience?limit=1`)).json()) as {
      items: [{ user_id: string }];
    };
    await go(`audiences/${id}?tab=members`);
    const ask = async (user: string) => {
      await page.getByLabel('Check a person').fill(user);
      await page.getByRole('button', { name: 'Check', exact: true }).click();
    };
    await ask(audience.items[0].user_id);
    await page.getByText('has rank 1, score', { exact: false }).waitFor();
    await ask(people[0]!);
    await page.getByText('but not in this audience', { exact: false }).waitFor();
    await ask('nobody');
    await page.getByText('is not in your population', { exact: false }).waitFor();
    await page.getByRole('cell', { name: audience.items[0].user_id, exact: true }).waitFor();
    const members = page.getByRole('region', { name: '300 members, best first' });
    await members.press('End');
    await page.getByRole('cell', { name: '300', exact: true }).waitFor();
    await members.press('Home');
    // a browser scrolls there step by step, which would cancel requests made in between
    await page.getByRole('cell', { name: '1', exact: true }).waitFor();
    await expect.poll(() => members.evaluate((list) => list.scrollTop)).toBe(0);
    const last = (await served.call('GET', `/v1/campaigns/${id}/audience?after_rank=249&limit=1`)).json.items[0];
    await ask(last.user_id);
    await page.getByRole('button', { name: 'Show in the list' }).click();
    await page.getByRole('row', { name: `250 ${last.user_id}` }).waitFor();
  });

  it("downloads the service's export", async () => {
    const { page, go } = await fixture().open();
    await go(`audiences/${id}?tab=export`);
    const download = page.waitForEvent('download');
    await page.getByRole('button', { name: 'Download' }).click();
    const path = await (await download).path();
    const exported = await fetch(`${fixture().url}/v1/campaigns/${id}/audience`, { headers: { accept: 'text/csv' } });
    expect(readFileSync(path, 'utf8')).toBe(await exported.text());
  });

  it('compares results with what was expected', async () => {
    const { url } = fixture();
    const page0 = (await (await fetch(`${url}/v1/campaigns/${id}/audience?limit=3`)).json()) as {
      items: { user_id: string }[];
    };
    const events = page0.items.map(({ user_id }) => ({ user_id, event: 'conversion' }));
    await fetch(`${url}/v1/campaigns/${id}/feedback`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ events }),
    });
    const { page, go } = await fixture().open();
    await go(`audiences/${id}?tab=results`);
    const panel = page.getByRole('region', { name: 'Results' });
    await panel.getByText('Of the 3 new people who responded, 3 were in the audience.').waitFor();
    const rows = panel.getByRole('row');
    expect(await rows.nth(1).textContent()).toMatch(/^So far3100%/);
    expect(await rows.nth(2).textContent()).toMatch(
      /^Expected[\d.]+ \([\d.]+ to [\d.]+\)[\d.]+% \([\d.]+% to [\d.]+%\)/,
    );
    await panel.getByText('Too few to tell').waitFor();
    // of very many, the service compares only some
    await page.route('**/feedback', async (route) => {
      const response = await route.fetch();
      const json = await response.json();
      await route.fulfill({ response, json: { ...json, responders: { ...json.responders, compared: 2 } } });
    });
    await page.reload();
    await panel.getByText(/^Of the \d people who responded, only the first 2 /).waitFor();
  });

  it('downloads the receipt of a version and the key that verifies it', async () => {
    const { page, go } = await fixture().open();
    await go(`audiences/${id}?tab=versions`);
    await page.getByRole('button', { name: 'Receipt of version 1' }).click();
    const dialog = page.getByRole('dialog', { name: 'Receipt of version 1' });
    const saved = async (button: string) => {
      const [download] = await Promise.all([
        page.waitForEvent('download'),
        dialog.getByRole('button', { name: button }).click(),
      ]);
      return { name: download.suggestedFilename(), path: await download.path() };
    };
    const [receipt, key] = [await saved('Download receipt'), await saved('Download public key')];
    expect([receipt.name, key.name]).toEqual(['receipt.json', 'key.json']);
    const script = join(ROOT, 'scripts/verify-receipt.mjs');
    const { stdout } = spawnSync(process.execPath, [script, receipt.path, '--key', key.path], { encoding: 'utf8' });
    expect(stdout).toMatch(/^ok +signature\n$/);
    const { inputs } = JSON.parse(readFileSync(receipt.path, 'utf8'));
    await dialog.getByRole('cell', { name: `${inputs.sets.seeds.slice(0, 16)}…` }).waitFor();
  });

  it('returns to an earlier version', async () => {
    const { page, go } = await fixture().open();
    await go(`audiences/${id}?tab=versions`);
    await page.getByText('−100', { exact: false }).waitFor();
    await page
      .getByRole('row', { name: /Version 2 .*Resized/ })
      .getByText('Size', { exact: true })
      .waitFor();
    await page.getByRole('button', { name: 'Use version 1' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Use this version' }).click();
    await page.getByText('Version 1 is now in use.').waitFor();
    expect(await campaignOf(id)).toMatchObject({ size: 200, audience_version: 1 });
  });

  it.each(THEMES)('has accessible dialogs, %s', async (theme) => {
    const opened = await fixture().open(theme);
    const { page, go } = opened;
    await go(`audiences/${id}?tab=versions`);
    for (const button of ['Use version 2', 'Receipt of version 2', 'Edit', 'Delete']) {
      await page.getByRole('button', { name: button }).click();
      await page.getByRole('dialog').getByRole('button').first().waitFor();
      await expectAccessible(page);
      await takeScreenshots(opened, `dialog-${button.toLowerCase().replaceAll(' ', '-')}`, theme);
      await page.keyboard.press('Escape');
      await page.getByRole('dialog').waitFor({ state: 'hidden' });
    }
    expect(opened.faults.list).toEqual([]);
  });

  it('can be deleted after a confirmation', async () => {
    const { page, go } = await fixture().open();
    await go(`audiences/${id}`);
    await page.getByRole('button', { name: 'Delete' }).click();
    await page.getByRole('button', { name: 'Delete audience' }).click();
    await page.getByText('Deleted “Autumn shoes”.').waitFor();
    expect(await campaignOf(id)).toMatchObject({ code: 'campaign_not_found' });
  });
});
