/** The list of audiences in a real browser. */
import { beforeAll, expect, it } from 'vitest';
import { describeInBrowser, expectAccessible, THEMES, takeScreenshots, useConsoleFixture } from './browser.ts';

const SEEDS = 120;
const WAIT = { timeout: 60_000 };
const fixture = useConsoleFixture();

describeInBrowser('the list of audiences', () => {
  it.each(THEMES)('offers a sample if there is none, in the %s theme', async (theme) => {
    const opened = await fixture().open(theme);
    await opened.go('audiences');
    await opened.page.getByRole('heading', { name: 'No audiences yet' }).waitFor();
    const sample = opened.page.getByRole('link', { name: 'Try it with sample customers' });
    expect(await sample.getAttribute('href')).toBe('#/audiences/new?sample=1');
    await expectAccessible(opened.page);
    await takeScreenshots(opened, 'audiences-empty', theme);
    expect(opened.faults.list).toEqual([]);
  });
});

describeInBrowser('the list of several audiences', () => {
  beforeAll(async () => {
    const { served, people } = fixture() ?? {};
    if (served === undefined) return;
    const seeds = people.slice(0, SEEDS);
    await served.ended(await served.create({ name: 'Autumn shoes', seeds, labels: { team: 'growth' } }));
    await served.ended(
      await served.create({
        name: 'Winter coats',
        seeds: seeds.slice(20),
        external_id: 'crm-7',
        labels: { team: 'brand' },
      }),
    );
    await served.create({ name: 'Three friends', seeds: seeds.slice(0, 3) });
    await served.create({ name: 'Without customers', seeds: null });
  });

  it('shows each with its status, size, expected quality and version', async () => {
    const { page, go, faults } = await fixture().open();
    await go('audiences');
    const row = page.getByRole('row', { name: /Autumn shoes/ });
    await row.getByText('Ready').waitFor();
    const text = await row.textContent();
    expect(text).toContain('team: growth');
    expect(text).toMatch(/100of 1,\d{3}/);
    expect(text).toMatch(/Good|Weak|Unsure/);
    expect(await page.getByRole('row', { name: /Three friends/ }).textContent()).toContain('Too few customers');
    expect(await page.getByRole('row', { name: /Without customers/ }).textContent()).toContain('No customers yet');
    expect(faults.list).toEqual([]);
  });

  it('shows a new one without a reload, and its progress', async () => {
    const { served, people } = fixture();
    const { page, go } = await fixture().open();
    await page.clock.install();
    await go('audiences');
    await page.getByRole('row', { name: /Autumn shoes/ }).waitFor();
    const id = await served.create({ name: 'Made meanwhile', seeds: people.slice(0, SEEDS) });
    const made = page.getByRole('row', { name: /Made meanwhile/ });
    // a list that does not change is reloaded after this time; a load under way still returns the old list
    const rowsLater = async () => {
      await page.clock.fastForward(10_000);
      return made.count();
    };
    await expect.poll(rowsLater, WAIT).toBe(1);
    await made.getByText('Ready').waitFor();
    await served.call('DELETE', `/v1/campaigns/${id}`);
    await expect.poll(rowsLater, WAIT).toBe(0);
  });

  it('finds by name or id, status, label and date, all kept in the address', async () => {
    const { page, go } = await fixture().open();
    await go('audiences');
    // an element that never existed counts as detached: the list must have loaded before it is filtered
    await page.getByRole('row', { name: /Autumn shoes/ }).waitFor();
    await page.getByRole('searchbox').fill('CRM');
    await page.getByRole('row', { name: /Autumn shoes/ }).waitFor({ state: 'detached' });
    await page.getByRole('row', { name: /Winter coats/ }).waitFor();
    expect(await page.getByRole('row').count()).toBe(2);
    expect(page.url()).toMatch(/#\/audiences\?search=CRM$/);
    await go('audiences?state=too_small');
    await page.getByRole('row', { name: /Winter coats/ }).waitFor({ state: 'detached' });
    await page.getByRole('row', { name: /Three friends/ }).waitFor();
    await go('audiences');
    await page.getByRole('row', { name: /Winter coats/ }).waitFor();
    await page.getByLabel('Label', { exact: true }).fill('team: growth');
    await page.keyboard.press('Enter');
    await page.getByRole('row', { name: /Winter coats/ }).waitFor({ state: 'detached' });
    await page.getByRole('row', { name: /Autumn shoes/ }).waitFor();
    await page.getByLabel('Created until').fill('2020-01-31');
    await page.getByRole('heading', { name: 'No matching audiences' }).waitFor();
    expect(page.url()).toMatch(/#\/audiences\?label=team%3Dgrowth&created_to=2020-02-01T00%3A00%3A00.000Z$/);
    await page.reload();
    expect(await page.getByLabel('Created until').inputValue()).toBe('2020-01-31');
    await page.goBack();
    await page.getByRole('row', { name: /Autumn shoes/ }).waitFor();
    expect(await page.getByLabel('Created until').inputValue()).toBe('');
    await page.getByRole('button', { name: 'Remove the label team: growth' }).click();
    await page.getByRole('row', { name: /Winter coats/ }).waitFor();
    expect(await page.evaluate('document.activeElement.placeholder')).toBe('key: text');
    await go('audiences?search=nobody');
    await page.getByRole('heading', { name: 'No matching audiences' }).waitFor();
    await page.getByRole('link', { name: 'Clear filters' }).click();
    await page.getByRole('row', { name: /Winter coats/ }).waitFor();
    expect(await page.getByRole('searchbox').inputValue()).toBe('');
  });

  it('is sorted by the API, in an order that a link and the back button keep', async () => {
    const { page, go } = await fixture().open();
    await go('audiences');
    const names = () => page.locator('[data-row]').allTextContents();
    const sorted = (title: string) => page.getByRole('columnheader', { name: title }).getAttribute('aria-sort');
    const newest = ['Without customers', 'Three friends', 'Winter coats', 'Autumn shoes'];
    await expect.poll(names, WAIT).toEqual(newest);
    expect([await sorted('Created'), await sorted('Audience')]).toEqual(['descending', null]);
    expect(await page.getByRole('columnheader', { name: 'Size' }).getByRole('button').count()).toBe(0);
    await page.getByRole('button', { name: 'Audience', exact: true }).click();
    await expect.poll(names, WAIT).toEqual(newest.toSorted());
    await page.reload();
    await expect.poll(names, WAIT).toEqual(newest.toSorted());
    expect([await sorted('Created'), await sorted('Audience')]).toEqual([null, 'ascending']);
    await page.getByRole('button', { name: 'Status', exact: true }).click();
    await expect.poll(names, WAIT).toEqual(['Autumn shoes', 'Winter coats', 'Three friends', 'Without customers']);
    await page.goBack();
    await expect.poll(names, WAIT).toEqual(newest.toSorted());
  });

  it('keeps its rows and the position of the cursor while it is filtered', async () => {
    const { page, go } = await fixture().open();
    await go('audiences?search=nobody');
    await page.getByRole('heading', { name: 'No matching audiences' }).waitFor();
    await page.evaluate('globalThis.loads = 0');
    await page.evaluate(
      'new MutationObserver(() => { loads += document.querySelectorAll(".loading").length; })' +
        '.observe(document.body, { childList: true, subtree: true })',
    );
    await page.getByRole('searchbox').focus();
    await page.getByRole('searchbox').fill('');
    await page.getByRole('row', { name: /Autumn shoes/ }).waitFor();
    expect(await page.evaluate('[loads, document.activeElement.type]')).toEqual([0, 'search']);
  });

  it('can be navigated by keys', async () => {
    const { page, go } = await fixture().open();
    await go('audiences');
    await page.getByRole('link', { name: 'Autumn shoes' }).waitFor();
    const focused = () => page.evaluate('document.activeElement.textContent');
    await page.keyboard.press('j');
    expect(await focused()).toBe('Without customers');
    await page.keyboard.press('ArrowDown');
    expect(await focused()).toBe('Three friends');
    await page.keyboard.press('k');
    expect(await focused()).toBe('Without customers');
    await page.keyboard.press('/');
    expect(await page.evaluate('document.activeElement.type')).toBe('search');
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Enter');
    await page.waitForURL(/#\/audiences\/[0-9a-f-]{36}$/);
  });

  it('rebuilds and deletes several at once', async () => {
    const opened = await fixture().open();
    const { page, go, faults } = opened;
    await go('audiences?sort=name');
    await page.getByRole('link', { name: 'Three friends' }).focus();
    await page.keyboard.press('x');
    await page.getByRole('checkbox', { name: 'Select Autumn shoes' }).click({ modifiers: ['Shift'] });
    await page.getByText('2 selected').waitFor();
    await expectAccessible(page);
    // an audience that was never expanded is not rebuilt
    await page.getByRole('checkbox', { name: 'Select all 4' }).click();
    await page.getByRole('button', { name: 'Rebuild (3)' }).click();
    await page.getByText('Started to rebuild 3 audiences.').waitFor();
    expect(await page.evaluate('document.activeElement.getAttribute("aria-label")')).toBe('Result');
    await page.getByText('1 selected').waitFor();
    await page.getByRole('row', { name: /Autumn shoes.*Ready.* 2 model/ }).waitFor();
    await page.getByRole('checkbox', { name: 'Select Three friends' }).click();
    await page.getByRole('button', { name: 'Delete (2)' }).click();
    await expectAccessible(page);
    await page.getByRole('dialog').getByRole('button', { name: 'Delete 2 audiences' }).click();
    await page.getByText('Deleted 2 audiences.').waitFor();
    await page.getByRole('row', { name: /Three friends/ }).waitFor({ state: 'detached' });
    expect(await page.evaluate('document.activeElement.getAttribute("aria-label")')).toBe('Result');
    expect(await page.locator('[data-row]').allTextContents()).toEqual(['Autumn shoes', 'Winter coats']);
    expect(faults.list).toEqual([]);
  });

  it('says that the service cannot be reached, and recovers by itself', async () => {
    const { page, go } = await fixture().open();
    await go('audiences');
    await page.getByRole('row', { name: /Autumn shoes/ }).waitFor();
    fixture().kill();
    await page.getByRole('searchbox').fill('shoes');
    await page.getByText('The service cannot be reached').waitFor();
    await fixture().restart();
    await page.getByText('The service cannot be reached').waitFor({ state: 'detached' });
    await page.getByRole('row', { name: /Winter coats/ }).waitFor({ state: 'detached' });
    await page.getByRole('row', { name: /Autumn shoes/ }).waitFor();
  });
});
