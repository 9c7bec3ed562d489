/** The page of one audience in a real browser: from its making to its end. */
import { readFileSync } from 'node:fs';
import { beforeAll, expect, it } from 'vitest';
import { describeInBrowser, expectAccessible, THEMES, takeScreenshots, useConsoleFixture } from './browser.ts';

const SEEDS = 120;
const TABS = ['Size', 'Who they are', 'Members', 'Versions', 'Use it'];
const fixture = useConsoleFixture();

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

  it('is watched until it is ready, also through a kill of the service', async () => {
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

  it('shows what a size reaches, by dragging, by keys and by typing, and uses it', async () => {
    const { page, go, faults } = await fixture().open();
    await go(`audiences/${id}`);
    const slider = page.getByRole('slider', { name: 'People in the audience' });
    await slider.waitFor();
    expect(await slider.getAttribute('aria-valuenow')).toBe('200');
    const over = page.locator('.reach .u-over');
    const box = (await over.boundingBox())!;
    await page.mouse.move(box.x + box.width / 4, box.y + box.height / 2);
    await page.mouse.down();
    await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2);
    await page.mouse.up();
    const dragged = Number(await slider.getAttribute('aria-valuenow'));
    expect(dragged).toBeGreaterThan(400);
    await slider.press('ArrowRight');
    expect(Number(await slider.getAttribute('aria-valuenow'))).toBeGreaterThan(dragged);
    const field = page.getByLabel('People in the audience').and(page.getByRole('textbox'));
    await field.fill('0');
    await page.getByText('Between 1 and', { exact: false }).waitFor();
    await field.fill('300');
    expect(await slider.getAttribute('aria-valuenow')).toBe('300');
    await page.getByRole('button', { name: 'Use this size' }).click();
    await page.getByText('The audience has 300 people now.').waitFor();
    await page.getByRole('button', { name: 'This is its size' }).waitFor();
    expect(await campaignOf(id)).toMatchObject({ size: 300, audience_version: 2 });
    expect(faults.list).toEqual([]);
  });

  it('finds a member, another user and an unknown one', async () => {
    const { people, url } = fixture();
    const { page, go } = await fixture().open();
    const audience = (await (await fetch(`${url}/v1/campaigns/${id}/audience?limit=1`)).json()) as {
      items: [{ user_id: string }];
    };
    await go(`audiences/${id}?tab=members`);
    const ask = async (user: string) => {
      await page.getByLabel('Is somebody in it?').fill(user);
      await page.getByRole('button', { name: 'Look up' }).click();
    };
    await ask(audience.items[0].user_id);
    await page.getByText('is number 1, score', { exact: false }).waitFor();
    await ask(people[0]!);
    await page.getByText('but not in this audience', { exact: false }).waitFor();
    await ask('nobody');
    await page.getByText('is not in your population', { exact: false }).waitFor();
    await page.getByRole('cell', { name: audience.items[0].user_id, exact: true }).waitFor();
    await page.locator('.members').evaluate((list) => list.scrollTo(0, list.scrollHeight));
    await page.getByRole('cell', { name: '300', exact: true }).waitFor();
  });

  it('downloads what the service exports', async () => {
    const { page, go } = await fixture().open();
    await go(`audiences/${id}?tab=use`);
    const download = page.waitForEvent('download');
    await page.getByRole('button', { name: 'Download CSV' }).click();
    const path = await (await download).path();
    const exported = await fetch(`${fixture().url}/v1/campaigns/${id}/audience`, { headers: { accept: 'text/csv' } });
    expect(readFileSync(path, 'utf8')).toBe(await exported.text());
  });

  it('shows what came back beside what was expected', async () => {
    const { url } = fixture();
    const page0 = (await (await fetch(`${url}/v1/campaigns/${id}/audience?limit=3`)).json()) as {
      items: { user_id: string }[];
    };
    const events = page0.items.map(({ user_id }) => ({ user_id, event: 'conversion' }));
    await fetch(`${url}/v1/campaigns/${id}/feedback`, {
      ...{ method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ events }) },
    });
    const { page, go } = await fixture().open();
    await go(`audiences/${id}?tab=use`);
    const panel = page.getByRole('region', { name: 'What came back' });
    await panel.getByText('3 of 3', { exact: false }).waitFor();
    expect(await panel.textContent()).toContain('expected');
  });

  it('goes back to a version', async () => {
    const { page, go } = await fixture().open();
    await go(`audiences/${id}?tab=versions`);
    await page.getByText('−100', { exact: false }).waitFor();
    await page.getByRole('button', { name: 'Serve version 1' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Serve it' }).click();
    await page.getByText('Version 1 is served now.').waitFor();
    expect(await campaignOf(id)).toMatchObject({ size: 200, audience_version: 1 });
  });

  it.each(THEMES)('is accessible in every part, %s', async (theme) => {
    const opened = await fixture().open(theme);
    await opened.go(`audiences/${id}`);
    for (const tab of TABS) {
      await opened.page.getByRole('tab', { name: tab }).click();
      await opened.page.getByRole('tabpanel').locator('h2, table, canvas, form').first().waitFor();
      await expectAccessible(opened.page);
      await takeScreenshots(opened, `audience-${tab.toLowerCase().replaceAll(' ', '-')}`, theme);
    }
    expect(opened.faults.list).toEqual([]);
  });

  it('is deleted after a question', async () => {
    const { page, go } = await fixture().open();
    await go(`audiences/${id}`);
    await page.getByRole('button', { name: 'Delete' }).click();
    await page.getByRole('button', { name: 'Delete it' }).click();
    await page.getByText('“Autumn shoes” is deleted.').waitFor();
    expect(await campaignOf(id)).toMatchObject({ code: 'campaign_not_found' });
  });
});
