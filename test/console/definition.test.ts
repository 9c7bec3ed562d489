/** The definition of an audience, copies of it, and untitled drafts. */
import { beforeAll, expect, it } from 'vitest';
import { describeInBrowser, expectAccessible, useConsoleFixture } from './browser.ts';

const SEEDS = 120;
const fixture = useConsoleFixture();

describeInBrowser('the definition of an audience', () => {
  let id: string;
  let countries: string[];
  const refresh = { every: '1d', on_new_population: false, on_change: true };
  beforeAll(async () => {
    const { served, people } = fixture() ?? {};
    if (served === undefined) return;
    const known = await served.call('GET', '/v1/populations/current/features/country/values');
    countries = known.json.items.slice(0, 3).map(({ value }: { value: string }) => value);
    id = await served.create({
      name: 'Autumn shoes',
      labels: { team: 'growth' },
      refresh,
      audience: { size: 1_200 },
      filters: { country: countries },
      features: { category: 'shoes' },
      seeds: [...people.slice(0, SEEDS), 'a stranger'],
      seeds_consent_basis: 'contract',
    });
    await served.ended(id);
    await served.call('PUT', `/v1/campaigns/${id}/suppression?consent_basis=consent`, {
      user_ids: people.slice(200, 207).map((user_id) => ({ user_id, expires_at: '2099-12-31T00:00:00Z' })),
    });
    const weighted = people.slice(0, SEEDS).map((user_id, i) => ({ user_id, weight: i < 20 ? 8 : 2 }));
    await served.call('POST', `/v1/campaigns/${id}/seeds/add`, { user_ids: weighted });
    await served.call('PUT', `/v1/campaigns/${id}/negatives`, {
      user_ids: [people[0], ...people.slice(400, 403), 'no'],
    });
    await served.call('PATCH', `/v1/campaigns/${id}`, { negative_weight: 3 });
    await served.call('PUT', '/v1/suppression', { user_ids: people.slice(300, 305) });
  });

  it('is shown with its customers, filters, lists, details, size and refresh policy', async () => {
    const { page, go, faults } = await fixture().open();
    await go(`audiences/${id}?tab=definition`);
    const region = (name: string) => page.getByRole('region', { name });
    await region('Your customers').getByText('241', { exact: true }).waitFor();
    const own = await region('Your customers').textContent();
    expect(own).toMatch(/IDs given241In the population120Unknown1Duplicates120Also negatives1/);
    expect(own).toContain('Weights1 to 8, median 23 distinct weights');
    expect(own).toContain('Legal basisContract');
    expect(await region('Negatives').textContent()).toMatch(
      /People54 in the populationAlso customers1count as negativesWeight of each3/,
    );
    expect(await region('Eligible people').textContent()).toContain(`Country${countries.join(', ')}`);
    expect(await region('Suppression lists').textContent()).toMatch(
      /This audience’s list77 in .*; 7 will expire; legal basis: Consent.* list55 in the population$/,
    );
    expect(await region('Campaign details').textContent()).toContain('Categoryshoes');
    const policy = 'Every day, when the definition or a suppression list changes';
    expect(await region('Size and refresh').textContent()).toContain(`Requested size1,200 people`);
    expect(await region('Size and refresh').textContent()).toContain(policy);
    expect(faults.list).toEqual([]);
  });

  it('can be duplicated and changed, and says that the customers are not copied', async () => {
    const { served, people } = fixture();
    const { page, go, faults } = await fixture().open();
    await go(`audiences/${id}`);
    await page.getByRole('link', { name: 'Duplicate' }).click();
    await page.getByText('Its customers and their weights are not copied').waitFor();
    await page.getByText('Add the file with the 121 customers again', { exact: false }).waitFor();
    await page.getByText('The suppression list of 7 people is not copied either.').waitFor();
    await page.getByText('The list of 5 negatives is not copied either.').waitFor();
    expect(await page.getByLabel('Weight of each').inputValue()).toBe('3');
    await expectAccessible(page);
    const name = page.getByLabel('Name', { exact: true });
    expect(await name.inputValue()).toBe('Copy of Autumn shoes');
    await name.fill('Autumn boots');
    await page.getByLabel('Or paste customer IDs').fill(people.slice(0, SEEDS).join('\n'));
    await page.getByText('120 customers matched.').waitFor();
    await page.getByLabel('Size', { exact: true }).fill('90');
    await page.getByLabel('On a schedule').selectOption('7d');
    await page.getByRole('button', { name: 'Create audience' }).click();
    await page.getByRole('tab', { name: 'Size' }).waitFor();
    const copy = page.url().split('/').at(-1)!.split('?')[0];
    expect((await served.call('GET', `/v1/campaigns/${copy}`)).json).toMatchObject({
      name: 'Autumn boots',
      labels: { team: 'growth' },
      audience: { size: 90 },
      negative_weight: 3,
      filters: { country: countries },
      features: { category: 'shoes' },
      refresh: { ...refresh, every: '7d' },
    });
    expect(faults.list).toEqual([]);
  });

  it('can be left without a question as an unchanged copy', async () => {
    const { page, go } = await fixture().open();
    await go(`audiences/new?from=${id}`);
    await page.getByText('Its customers and their weights are not copied').waitFor();
    await page.getByRole('link', { name: 'Cancel' }).click();
    await page.getByRole('row', { name: /Autumn shoes/ }).waitFor();
  });
});

describeInBrowser('untitled drafts', () => {
  const make = async (name: string) => {
    const body = { name, seeds: null, audience: { percent: 5 } };
    return (await fixture().served.call('POST', '/v1/campaigns', body)).json.id as string;
  };
  const statusOf = async (id: string) => (await fixture().served.call('GET', `/v1/campaigns/${id}`)).status;

  it('are deleted a week after their last change, and say when', async () => {
    const [old, young, named] = [await make('Untitled draft'), await make('Untitled draft'), await make('Named')];
    const { page, go } = await fixture().open();
    // the service's responses as they will be in some days
    await page.route(/\/v1\/campaigns(\?|\/[^/]+$)/, async (route) => {
      if (route.request().method() !== 'GET') return route.continue();
      const response = await route.fetch();
      const json = await response.json();
      for (const each of json.items ?? [json]) {
        const days = each.id === old || each.id === named ? 7.1 : each.id === young ? 4.5 : 0;
        each.updated_at = new Date(Date.parse(each.updated_at) - days * 86_400_000).toISOString();
      }
      await route.fulfill({ response, json });
    });
    await go('audiences');
    await page.getByText('Deleted 1 untitled draft that had not changed for 7 days.').waitFor();
    await page.getByText('will be deleted in 3 days').waitFor();
    expect([await statusOf(old), await statusOf(young), await statusOf(named)]).toEqual([404, 200, 200]);
  });

  it('stay if somebody continues them while they are deleted', async () => {
    const { served } = fixture();
    const continued = await make('Untitled draft');
    const { page, go } = await fixture().open();
    await go('audiences');
    await page.getByRole('button', { name: 'Delete all drafts' }).click();
    await page.route(`**/v1/campaigns/${continued}`, async (route) => {
      const response = route.request().method() === 'GET' ? await route.fetch() : null;
      await served.call('PATCH', `/v1/campaigns/${continued}`, { name: 'Continued' });
      await (response === null ? route.continue() : route.fulfill({ response }));
    });
    await page.getByRole('dialog').getByRole('button', { name: 'Delete drafts' }).click();
    await page.getByText(/^Deleted \d untitled drafts?\.$/).waitFor();
    expect((await served.call('GET', `/v1/campaigns/${continued}`)).json.name).toBe('Continued');
  });

  it('are deleted all together, except drafts with a name', async () => {
    const [one, other, named] = [await make('Untitled draft'), await make('Untitled draft'), await make('Also named')];
    const { page, go } = await fixture().open();
    await go('audiences');
    await page.getByRole('button', { name: 'Delete all drafts' }).click();
    await page.getByRole('dialog').getByText('Drafts with a name stay.', { exact: false }).waitFor();
    await expectAccessible(page);
    await page.getByRole('dialog').getByRole('button', { name: 'Delete drafts' }).click();
    await page.getByText(/^Deleted \d untitled drafts\.$/).waitFor();
    await page.getByRole('button', { name: 'Delete all drafts' }).waitFor({ state: 'detached' });
    expect([await statusOf(one), await statusOf(other), await statusOf(named)]).toEqual([404, 404, 200]);
  });
});
