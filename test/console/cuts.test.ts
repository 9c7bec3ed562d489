/** Cuts in a real browser: made with a new audience, changed, exported, looked up and compared on its page. */
import { expect, it } from 'vitest';
import { describeInBrowser, expectAccessible, takeScreenshots } from './browser.ts';
import { AUTHORIZED, create, csv, drop, useNewAudience } from './new-audience-form.ts';

const { fixture, customers, openForm, campaignOf } = useNewAudience();

describeInBrowser('cuts', () => {
  it('are part of a new audience, whose page reads, changes and compares them', async () => {
    const opened = await openForm();
    const { page, go, faults } = opened;
    await drop(opened, 'customers.csv', csv(customers));
    await page.getByText('120 customers matched', { exact: false }).waitFor();
    await page.getByLabel('Name', { exact: true }).fill('With a ring');
    await page.getByRole('button', { name: 'Add a cut' }).click();
    await page.getByLabel('Cut 1: name').fill('ring');
    await page.getByLabel('Cut 1: from').fill('10');
    await page.getByLabel('Cut 1: to').fill('5');
    await create(opened);
    await page.getByText('ring: enter two numbers, the first below the second.').waitFor();
    await page.getByLabel('Cut 1: from').fill('2.5');
    await expectAccessible(page);
    await takeScreenshots(opened, 'new-audience-cuts', 'light');
    await create(opened);
    const { id, cuts } = await campaignOf(page);
    expect(cuts).toEqual([{ name: 'ring', from_percent: 2.5, to_percent: 5 }]);
    await page.getByRole('tab', { name: 'Size' }).waitFor();

    await go(`audiences/${id}?tab=cuts`);
    const row = page.getByRole('table', { name: 'Cuts of the audience' }).getByRole('row').nth(1);
    expect(await row.textContent()).toMatch(/^ring\d+\d+\d+$/);
    await page.getByText('Change the cuts').click();
    await page.getByLabel('Cut 1: from').fill('0');
    await page.getByLabel('Cut 1: to').fill('100');
    await page.getByLabel('Cut 1: unit').selectOption('people');
    await page.getByRole('button', { name: 'Save cuts' }).click();
    await page.getByRole('cell', { name: '100', exact: true }).first().waitFor();
    await page.getByLabel('Part of this audience').selectOption('ring');
    await page.getByLabel('Other audience').selectOption(id);
    const overlap = page.getByRole('region', { name: 'Overlap' });
    await overlap.getByText('People who are held out are not counted.').waitFor();
    expect(await overlap.locator('dl dd:nth-of-type(1)').allTextContents()).toEqual(['100', '100', '100', '100']);
    await expectAccessible(page);
    await takeScreenshots(opened, 'audience-cuts', 'light');

    await go(`audiences/${id}?tab=export`);
    await page.getByLabel('Part of the audience').selectOption('ring');
    await page.getByText(`/v1/campaigns/${id}/audience?cut=ring'`, { exact: false }).waitFor();
    await takeScreenshots(opened, 'audience-export-cut', 'light');
    const read = await fixture().served.call('GET', `/v1/campaigns/${id}/audience?cut=ring`, undefined, AUTHORIZED);
    const last = read.json.items.at(-1).user_id;
    await go(`audiences/${id}?tab=members`);
    await page.getByLabel('Check a person').fill(last);
    await page.getByLabel('In', { exact: true }).selectOption('ring');
    await page.getByRole('button', { name: 'Check', exact: true }).click();
    await page.getByText('In the cut ring').waitFor();
    await page.getByText(`${last} has rank 100`, { exact: false }).waitFor();
    await expectAccessible(page);
    expect(faults.list).toEqual([]);
  });
});
