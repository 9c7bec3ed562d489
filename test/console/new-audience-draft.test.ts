/** A new audience that is not created at once: with reloads, a killed service and a closed tab. */
import { expect, it } from 'vitest';
import { describeInBrowser, expectAccessible } from './browser.ts';
import { AUTHORIZED, create, csv, drop, useNewAudience } from './new-audience-form.ts';

const { fixture, customers, openForm, openList, campaignOf } = useNewAudience();

describeInBrowser('a new audience that is not created at once', () => {
  it('continues where it was after the service was killed and restarted', async () => {
    const opened = await openForm();
    const { page } = opened;
    await page.getByLabel('Name', { exact: true }).fill('Through a kill');
    fixture().kill();
    await drop(opened, 'customers.csv', csv(customers));
    await page.getByText('The service cannot be reached. What you see may be out of date', { exact: false }).waitFor();
    await page.locator('.outcome').getByText('The service cannot be reached.').waitFor();
    await fixture().restart();
    await page.getByText('What you see may be out of date', { exact: false }).waitFor({ state: 'detached' });
    await page.getByRole('button', { name: 'Try again' }).click();
    await page.getByText('120 customers matched.').waitFor();
    await create(opened);
    expect(await campaignOf(page)).toMatchObject({ name: 'Through a kill', seeds: { known: 120 } });
  });

  it('can be continued by anybody after its tab was closed', async () => {
    const opened = await openForm();
    const { page } = opened;
    const kept = page.waitForRequest((request) => /Left behind/.test(request.postData() ?? ''));
    await drop(opened, 'customers.csv', csv([...customers, 'nobody-1']));
    await page.getByText('120 customers matched, 1 unknown.').waitFor();
    await page.getByLabel('Size', { exact: true }).fill('40');
    await page.getByLabel('Unit').selectOption('people');
    await page.getByLabel('Name', { exact: true }).fill('Left behind');
    await (await kept).response();
    await page.context().close();
    const later = await openList();
    const row = later.page.getByRole('row', { name: /Left behind/ });
    await row.getByText('Draft').waitFor();
    await row.getByRole('link').click();
    await later.page.getByRole('link', { name: 'Continue' }).click();
    await later.page.getByText('120 customers matched, 1 unknown.').waitFor();
    await later.page.getByText('A forecast needs the list itself', { exact: false }).waitFor();
    await expectAccessible(later.page);
    await later.page.getByLabel('Add a filter').selectOption('country');
    await later.page.locator('.filter .option').first().click();
    // asks with the page's own dialog, without a list sent
    await later.page.getByRole('link', { name: 'Cancel' }).click();
    await expectAccessible(later.page);
    await later.page.getByRole('button', { name: 'Keep for later' }).click();
    await row.getByRole('link').click();
    await later.page.getByRole('link', { name: 'Continue' }).click();
    await later.page.getByRole('button', { name: 'Remove the filter Country' }).click();
    await later.page.getByRole('button', { name: 'Create audience' }).click();
    expect(await campaignOf(later.page)).toMatchObject({ name: 'Left behind', filters: {}, audience: { size: 40 } });
    expect(later.faults.list).toEqual([]);
  });

  it('can be made with a key for certain labels, which the audience gets', async () => {
    const body = { name: 'growth', scope: 'write', labels: { team: 'growth' } };
    const { json: made } = await fixture().served.call('POST', '/v1/keys', body, AUTHORIZED);
    const opened = await openForm(made.key);
    const { page, faults } = opened;
    await page.getByText('People on the global suppression list are always excluded.').waitFor();
    await drop(opened, 'customers.csv', csv(customers));
    await page.getByText('120 customers matched.').waitFor();
    await page.getByText('Expected quality').waitFor();
    await page.getByLabel('Name', { exact: true }).fill('Of growth');
    await create(opened);
    expect(await campaignOf(page)).toMatchObject({ name: 'Of growth', labels: { team: 'growth' } });
    await page.getByRole('tab', { name: 'Size' }).waitFor();
    await page.getByRole('link', { name: 'Audiences', exact: true }).click();
    await page.getByRole('row', { name: /Of growth/ }).waitFor();
    // it must not see campaigns with other labels
    expect(await page.getByRole('row').count()).toBe(2);
    for (const name of ['Populations', 'Models', 'Status']) {
      await page.getByRole('link', { name }).click();
      await page.getByRole('heading', { level: 1, name }).waitFor();
    }
    expect(faults.list).toEqual([]);
  });

  it('survives a reload, and asks before the user leaves', async () => {
    const opened = await openForm();
    const { page } = opened;
    await page.getByLabel('Name', { exact: true }).fill('Half done');
    await drop(opened, 'customers.csv', csv(customers));
    await page.getByText('120 customers matched.').waitFor();
    const { draftId } = JSON.parse(await page.evaluate("sessionStorage.getItem('metaheac.new-audience')"));
    page.on('dialog', (dialog) => void dialog.accept());
    await page.reload();
    await page.getByText('120 customers matched.').waitFor();
    expect(await page.getByLabel('Name', { exact: true }).inputValue()).toBe('Half done');
    await page.getByText('Expected quality').waitFor();
    await page.getByRole('link', { name: 'Audiences', exact: true }).click();
    await page.getByRole('button', { name: 'Stay' }).click();
    expect(page.url()).toMatch(/#\/audiences\/new$/);
    await page.getByRole('link', { name: 'Cancel' }).click();
    await page.getByRole('button', { name: 'Discard and leave' }).click();
    await page.waitForURL(/#\/audiences$/);
    const gone = async () =>
      (await fixture().served.call('GET', `/v1/campaigns/${draftId}`, undefined, AUTHORIZED)).status;
    await expect.poll(gone, { timeout: 60_000 }).toBe(404);
    await page.goto(`${fixture().url}/console/#/audiences/new`);
    expect(await page.getByLabel('Name', { exact: true }).inputValue()).toBe('');
  });
});
