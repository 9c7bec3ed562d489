/** A hold-out in a real browser: chosen in the form of a new audience, and measured on the page of the audience. */
import { expect, it } from 'vitest';
import { describeInBrowser, expectAccessible, takeScreenshots } from './browser.ts';
import { AUTHORIZED, create, csv, drop, useNewAudience } from './new-audience-form.ts';

const { fixture, customers, openForm, campaignOf } = useNewAudience();

describeInBrowser('a hold-out', () => {
  it('is part of a new audience, whose page shows what the campaign causes', async () => {
    const opened = await openForm();
    const { page, go, faults } = opened;
    await drop(opened, 'customers.csv', csv(customers));
    await page.getByText('120 customers matched', { exact: false }).waitFor();
    await page.getByLabel('Name', { exact: true }).fill('Measured');
    await page.getByLabel('Size', { exact: true }).fill('100');
    await page.getByLabel('Held out (%)').fill('60');
    await create(opened);
    await page.getByText('Enter a percentage from 0 to 50.').waitFor();
    await page.getByLabel('Held out (%)').fill('30');
    await expectAccessible(page);
    await create(opened);
    const { id, holdout_percent: percent } = await campaignOf(page);
    expect(percent).toBe(30);
    const { served, people } = fixture();
    await page.getByRole('tab', { name: 'Size' }).waitFor();
    await go(`audiences/${id}?tab=results`);
    const panel = page.getByRole('region', { name: 'Effect of the campaign' });
    await panel.getByText('No conversions yet.', { exact: false }).waitFor();
    const time = new Date().toISOString();
    const conversions = people
      .filter((_, i) => i % 3 === 0)
      .map((user_id, i) => ({ user_id, time, value: 10 + (i % 7) }));
    const sent = await served.call('POST', `/v1/campaigns/${id}/conversions`, { conversions }, AUTHORIZED);
    expect(sent.status).toBe(200);
    await page.reload();
    const groups = panel.getByRole('table', { name: 'People who were reached and held out' }).getByRole('row');
    expect(await groups.nth(1).textContent()).toMatch(/^Reached[\d,]+[\d,]+\d+%[\d,.]+$/);
    expect(await groups.nth(2).textContent()).toMatch(/^Held out[\d,]+[\d,]+\d+%[\d,.]+$/);
    const effects = panel.getByRole('table', { name: 'Effect, with 95% intervals' }).getByRole('row');
    expect(await effects.nth(1).textContent()).toMatch(/^Difference-?[\d.]+ pp-?[\d.]+ pp to -?[\d.]+ pp/);
    const values = panel.getByRole('table', { name: 'Effect on value, with 95% intervals' }).getByRole('row');
    expect(await values.nth(3).textContent()).toMatch(/^Additional value-?[\d,.]+-?[\d,.]+ to -?[\d,.]+/);
    await panel.getByText('By assignment, not exposure', { exact: false }).waitFor();
    await expectAccessible(page);
    await takeScreenshots(opened, 'audience-lift', 'light');
    expect(faults.list).toEqual([]);
  });
});
