/** Charts that are read by mouse, keyboard and touch, and tables that sort. */
import { beforeAll, expect, it } from 'vitest';
import { describeInBrowser, expectAccessible, useConsoleFixture } from './browser.ts';

const fixture = useConsoleFixture();

describeInBrowser('the charts of an audience', () => {
  let id: string;
  beforeAll(async () => {
    const { served, people } = fixture() ?? {};
    if (served === undefined) return;
    id = await served.create({ name: 'Autumn shoes', seeds: people.slice(0, 120), audience: { size: 200 } });
    await served.create({ name: 'Boots', seeds: people.slice(0, 130), audience: { size: 40 } });
    await served.create({ name: 'coats', seeds: people.slice(0, 140), audience: { size: 1_000 } });
    await served.ended(id);
  });

  it('can be read under the mouse and at the focused handle', async () => {
    const { page, go, faults } = await fixture().open();
    await go(`audiences/${id}`);
    const slider = page.getByRole('slider', { name: 'People in the audience' });
    await slider.waitFor();
    const readings = page.locator('.reach-reading');
    expect(await readings.count()).toBe(0);
    const box = (await page.locator('.reach .u-over').first().boundingBox())!;
    await page.mouse.move(box.x + 0.7 * box.width, box.y + 20);
    await page.mouse.move(box.x + 0.75 * box.width, box.y + 20);
    await readings.first().waitFor();
    expect(await readings.first().textContent()).toMatch(/^[\d,]+ people[\d.]+% reached[\d.]+% to [\d.]+%$/);
    expect(await readings.nth(1).textContent()).toMatch(/^[\d,]+ people[\d.,]+× random[\d.,]+× to [\d.,]+×$/);
    // pointing only reads
    expect(await slider.getAttribute('aria-valuenow')).toBe('200');
    await page.mouse.move(0, 0);
    await readings.first().waitFor({ state: 'detached' });
    await slider.focus();
    await page.keyboard.press('PageUp');
    await page.getByText('250 people', { exact: true }).first().waitFor();
    expect(await readings.first().textContent()).toMatch(/^250 people/);
    await page.getByRole('textbox', { name: 'People in the audience' }).focus();
    await readings.first().waitFor({ state: 'detached' });
    expect(faults.list).toEqual([]);
  });

  it('keep a reading by touch', async () => {
    const { page, go } = await fixture().open('light', 390);
    await go(`audiences/${id}`);
    await page.getByRole('slider').waitFor();
    const over = page.locator('.reach .u-over').first();
    const [x, y] = await over.evaluate((element) => {
      const { left, top, width } = element.getBoundingClientRect();
      return [left + width / 2, top + 20];
    });
    const touch = { pointerType: 'touch', pointerId: 7, clientX: x, clientY: y };
    for (const type of ['pointermove', 'pointerleave']) await over.dispatchEvent(type, touch);
    await page.locator('.reach-reading').first().waitFor();
  });

  it('show the values of each bar, and keep values with an order in that order', async () => {
    const { page, go, faults } = await fixture().open();
    await go(`audiences/${id}?tab=who`);
    const ages = page.getByRole('listbox', { name: 'Age band: frequency compared with the population' });
    await ages.waitFor();
    const names = await ages.getByRole('option').locator('.token-name').allTextContents();
    expect(names).toEqual(['18-24', '25-34', '35-44', '45-54', '55-64', '65+', 'Unknown']);
    const card = page.getByRole('region', { name: 'Age band' });
    expect(await card.locator('.token-scale').textContent()).toBe('⅛×1×8×');
    await card.getByText('Frequency compared with the population').waitFor();
    const { json } = await fixture().served.call('GET', `/v1/campaigns/${id}/explanation`);
    const { tokens } = json.features.find(({ feature }: { feature: string }) => feature === 'age_band');
    const { audience } = tokens.find(({ token }: { token: string }) => token === '25-34');
    await ages.getByRole('option').nth(1).hover();
    await card.getByText(`${audience.count} people, `, { exact: false }).waitFor();
    expect(await card.locator('.token-reading').textContent()).toMatch(/^25-34: [\d.]+× as common as .* to [\d.]+×\)/);
    await ages.getByRole('option').nth(1).focus();
    await page.keyboard.press('ArrowDown');
    await card.getByText(/^35-44: /).waitFor();
    await page.keyboard.press('End');
    await card.getByText(/^Unknown: /).waitFor();
    await expectAccessible(page);
    expect(faults.list).toEqual([]);
  });
});
