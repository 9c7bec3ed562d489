/** Each page once, in a real browser; other files in this folder test the pages in detail. */
import { expect, it } from 'vitest';
import { describeInBrowser, expectAccessible } from './browser.ts';
import { create, useNewAudience } from './new-audience-form.ts';

const { fixture, customers, openForm, openList, campaignOf } = useNewAudience();

describeInBrowser('the console', () => {
  it('builds an audience from pasted ids, and shows it', async () => {
    const opened = await openForm();
    const { page, faults } = opened;
    await page.getByLabel('Name', { exact: true }).fill('Autumn shoes');
    await page.getByLabel('Or paste customer IDs').fill(customers.join('\n'));
    await page.getByText('120 customers matched.').waitFor();
    await page.getByText('Expected quality').waitFor();
    await create(opened);
    expect(await campaignOf(page)).toMatchObject({ name: 'Autumn shoes', seeds: { known: 120 } });
    await page.getByRole('tab', { name: 'Size' }).waitFor();
    for (const name of ['Who they are', 'Members', 'Versions', 'Definition', 'Export', 'Results']) {
      await page.getByRole('tab', { name }).click();
      await page.getByRole('tabpanel', { name }).waitFor();
    }
    await page.getByRole('slider').waitFor({ state: 'detached' });
    await expectAccessible(page);
    expect(faults.list).toEqual([]);
  });

  it('lists it, and shows the populations, the models, the status and the reference', async () => {
    const { page, faults, go } = await openList();
    await page
      .getByRole('row', { name: /Autumn shoes/ })
      .getByText('Ready')
      .waitFor();
    for (const [place, row] of [
      ['populations', /In use/],
      ['models', /In use/],
      ['status', /^engine/],
    ] as const) {
      await go(place);
      await page.getByRole('row', { name: row }).first().waitFor();
    }
    await page.goto(`${fixture().url}/docs`);
    await page.getByText('Metrics for Prometheus').waitFor();
    expect(faults.list).toEqual([]);
  });
});
