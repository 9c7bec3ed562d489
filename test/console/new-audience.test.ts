/** A new audience in a real browser, from a list of customers to the page of the audience. */
import { readFileSync } from 'node:fs';
import { beforeAll, expect, it } from 'vitest';
import { describeInBrowser, expectAccessible, THEMES, takeScreenshots } from './browser.ts';
import { AUTHORIZED, create, csv, drop, OPERATOR, useNewAudience } from './new-audience-form.ts';

const { fixture, customers, openForm, campaignOf } = useNewAudience();

describeInBrowser('a new audience', () => {
  let readKey = '';
  beforeAll(async () => {
    if (fixture() === undefined) return;
    const body = { name: 'reader', scope: 'read' };
    readKey = (await fixture().served.call('POST', '/v1/keys', body, AUTHORIZED)).json.key;
  });

  it('can be made from a dropped CSV file, and lists unknown customers', async () => {
    const opened = await openForm();
    const { page, faults } = opened;
    await drop(opened, 'customers.csv', csv([...customers, 'nobody-1', 'nobody-2', 'nobody-3']));
    await page.getByText('120 customers matched, 3 unknown.').waitFor();
    // the list is sent again
    await page.getByRole('region', { name: 'Your customers' }).getByLabel('Legal basis').selectOption('Contract');
    expect(await page.getByLabel('ID column').inputValue()).toBe('1');
    await page.getByText('Expected quality').waitFor();
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('button', { name: 'Download the 3 unknown IDs' }).click(),
    ]);
    expect(readFileSync(await download.path(), 'utf8')).toBe('nobody-1\nnobody-2\nnobody-3\n');
    await page.getByLabel('Name', { exact: true }).fill('Autumn shoes');
    await page.getByLabel('Add a filter').selectOption('country');
    await page.getByRole('checkbox').nth(1).waitFor();
    const country = page.locator('.filter .option').first();
    await country.click();
    const name = await country.locator('.option-value').textContent();
    // the forecast knows how many are eligible, and the size refers to them
    const left = page.locator('.fact', { has: page.getByText('Eligible people', { exact: true }) }).locator('dd');
    const everyone = await left.textContent();
    await expect.poll(async () => left.textContent(), { timeout: 30_000 }).not.toBe(everyone);
    await page.getByLabel('Size', { exact: true }).fill('99,5');
    await page.getByText(/^All [\d,]+ eligible people \(you asked for [\d,]+\)\./).waitFor();
    await page.getByLabel('Size', { exact: true }).fill('40');
    await page.getByLabel('Unit').selectOption('people');
    await page.getByText(/^40 of [\d,]+ eligible people\./).waitFor();
    await page.locator('summary', { hasText: 'Category' }).click();
    await page.getByRole('radio').first().check();
    await page.getByRole('region', { name: 'Exclude people' }).getByLabel('Legal basis').selectOption('Consent');
    await drop(opened, 'left.txt', Buffer.from(`${customers.slice(0, 5).join('\n')}\nstranger\n`), 'Choose a list');
    await page.getByText('5 people matched, 1 unknown.').waitFor();
    const returned = Buffer.from(`${customers.slice(5, 8).join('\n')}\nreturner\n`);
    await drop(opened, 'returned.txt', returned, 'Choose negatives');
    await page.getByText('3 people matched, 1 unknown.').waitFor();
    await page.getByLabel('Weight of each').fill('none');
    await create(opened);
    await page.getByText('Enter a number above 0, such as 1 or 2.5.').waitFor();
    // the forecast learns from the negatives too
    const forecast = page.waitForRequest((request) => request.postDataJSON()?.negative_weight === 2.5);
    await page.getByLabel('Weight of each').fill('2,5');
    expect((await forecast).postDataJSON().negatives).toEqual([...customers.slice(5, 8), 'returner']);
    await create(opened);
    await page.getByText('This list is not used yet').waitFor();
    await page.getByRole('button', { name: 'Exclude these 5 people' }).click();
    await page.getByText('These 5 people will be excluded.').waitFor();
    await create(opened);
    const campaign = await campaignOf(page);
    expect(campaign).toMatchObject({ name: 'Autumn shoes', filters: { country: [name] }, audience: { size: 40 } });
    expect(campaign.features.category).toBeTypeOf('string');
    expect(campaign.negative_weight).toBe(2.5);
    const at = `/v1/campaigns/${campaign.id}`;
    const seeds = await fixture().served.call('GET', `${at}/seeds`, undefined, AUTHORIZED);
    expect(seeds.json).toMatchObject({ known: 120, unknown: 3, suppressed: 5, contradicting: 3 });
    const excluded = await fixture().served.call('GET', `${at}/suppression`, undefined, AUTHORIZED);
    expect([seeds.json.consent_basis, excluded.json.consent_basis]).toEqual(['contract', 'consent']);
    expect(await page.evaluate("sessionStorage.getItem('metaheac.new-audience')")).toBeNull();
    expect(faults.list).toEqual([]);
  });

  it('can be made for a special category, with groups at similar rates, and its page says what that costs', async () => {
    const opened = await openForm();
    const { page, faults } = opened;
    await drop(opened, 'customers.csv', csv(customers));
    await page.getByText('120 customers matched.').waitFor();
    const [category, rule] = [page.getByLabel('Special category'), page.getByLabel('Four-fifths rule')];
    expect(await category.locator('option').allTextContents()).toEqual(['None', 'Housing', 'Employment', 'Credit']);
    // the forecast does not use the features either
    const forecast = page.waitForRequest((request) => request.postDataJSON()?.category === 'housing');
    await category.selectOption('housing');
    await forecast;
    await page.getByText(/^Not used: Age band, City/).waitFor();
    await rule.selectOption('age_band');
    for (const feature of ['age_band', 'city']) {
      await page.getByLabel('Add a filter').selectOption(feature);
      await page.locator('.filter').last().locator('.option').first().click();
    }
    await create(opened);
    await page.getByText('This category does not use Age band. Remove the filter on this feature.').waitFor();
    await page.getByText('People are filtered by Age band, so its groups cannot be compared.').waitFor();
    expect(await rule.locator('option').allTextContents()).not.toContain('City');
    await expectAccessible(page);
    await takeScreenshots(opened, 'new-audience-category', 'light');
    // conflicting filters do not keep the draft from being saved
    await page.getByLabel('Name', { exact: true }).fill('Flats');
    const stored = JSON.parse(await page.evaluate("sessionStorage.getItem('metaheac.new-audience')"));
    const draft = async () =>
      (await fixture().served.call('GET', `/v1/campaigns/${stored.draftId}`, undefined, AUTHORIZED)).json;
    const saved = { name: 'Flats', category: 'housing', four_fifths: 'age_band' };
    await expect.poll(draft, { timeout: 30_000 }).toMatchObject({ ...saved, filters: {} });
    for (const title of ['Age band', 'City'])
      await page.getByRole('button', { name: `Remove the filter ${title}` }).click();
    await create(opened);
    const { id } = await campaignOf(page);
    expect(await draft()).toMatchObject({ id, ...saved, filters: {} });

    const region = (name: string) => page.getByRole('region', { name });
    const cost = region('Cost of the category Housing');
    await cost
      .getByText(/^An audience of [\d,]+ people is expected to reach [\d.]+% .* With all features, .* [\d.]+%/)
      .waitFor();
    await cost.getByText('Not used: Age band, City', { exact: false }).waitFor();
    const price = region('Price of the four-fifths rule for Age band').getByRole('table');
    expect(await price.first().getByRole('row').nth(3).textContent()).toMatch(
      /^[\d,]+ people[\d.]+%[\d.]+%[\d.]+[\d.]+$/,
    );
    expect(await price.last().getByRole('row').nth(1).textContent()).toMatch(/^18-24\d+\d+$/);
    await expectAccessible(page);
    await takeScreenshots(opened, 'audience-category', 'light');
    await page.getByRole('button', { name: 'Edit' }).click();
    await page.getByLabel('Special category').selectOption('credit');
    await expectAccessible(page);
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByRole('tab', { name: 'Definition' }).click();
    await region('Fair selection').getByText('Credit').waitFor();
    await page.getByText('The definition has changed', { exact: false }).waitFor();
    expect(faults.list).toEqual([]);
  });

  it('reads spreadsheet files as they are, and asks for the column if unsure', async () => {
    const opened = await openForm();
    const { page } = opened;
    const remove = () => page.getByRole('button', { name: 'Remove', exact: true }).click();
    const text = csv(customers, ';').toString('utf8');
    await drop(opened, 'export.csv', Buffer.from(`\ufeff${text}`, 'utf16le'));
    await page.getByText('120 customers matched.').waitFor();
    await page
      .getByText('The file was read as UTF-16, separated by semicolon. You do not need to convert it.')
      .waitFor();
    await remove();
    await drop(opened, 'latin.csv', Buffer.from(text.replaceAll('Ann', 'Zoë'), 'latin1'));
    await page.getByText('Read as Windows-1252, separated by semicolon').waitFor();
    expect(await page.getByRole('cell', { name: 'Zoë 0' }).count()).toBe(1);
    await remove();
    const addresses = customers.map((id, i) => `"Street ${i},\n""Yard""",${id}`);
    await drop(opened, 'shop.csv', Buffer.from(`address,customer_id\r\n${addresses.join('\r\n')}\r\n`));
    await page.getByText('120 customers matched.').waitFor();
    await remove();
    // no name identifies the column, but the service knows the ids
    const rows = customers.map((id, i) => `row-${i}\t${id}\tx${i % 3}`);
    await drop(opened, 'plain.tsv', Buffer.from(`alpha\tbeta\tgamma\n${rows.join('\n')}\n`));
    await page.getByText('120 customers matched.').waitFor();
    expect(await page.getByLabel('ID column').inputValue()).toBe('1');
    await remove();
    await drop(opened, 'spaces.txt', Buffer.from(customers.map((id) => `${id} \n`).join('')));
    await page.getByRole('button', { name: 'Ignore the spaces' }).click();
    await page.getByText('120 customers matched.').waitFor();
  });

  it('takes customers who are not in the population by their features', async () => {
    const opened = await openForm();
    const { page, faults } = opened;
    const { features } = (await fixture().served.call('GET', '/v1/populations/current', undefined, AUTHORIZED)).json;
    const unknown = Object.fromEntries(features.map(({ name }: { name: string }) => [name, null]));
    const lines = [
      ...customers.slice(0, 8).map((user_id) => ({ user_id })),
      { user_id: 'stranger', features: unknown },
      { features: unknown },
    ];
    const sent = (rows: readonly object[]) => Buffer.from(rows.map((row) => JSON.stringify(row)).join('\n'));
    await drop(opened, 'wrong.ndjson', sent([...lines, { user_id: 'x', features: {} }]));
    await page.getByText(/The features of "x" cannot be used: the feature .* is absent/).waitFor();
    await page.getByRole('button', { name: 'Remove', exact: true }).click();
    await drop(opened, 'mixed.ndjson', sent(lines));
    await page.getByText('8 customers matched, 2 outside the population.').waitFor();
    await page.getByText('Used by their features, and never in the audience').waitFor();
    // the 8 would be too few for a forecast without the others
    await page.getByText('How alike your customers are').waitFor();
    await page.getByLabel('Name', { exact: true }).fill('Like our customers');
    await create(opened);
    const { id, seeds } = await campaignOf(page);
    expect(seeds).toMatchObject({ received: 10, known: 8, outside: 2 });
    await opened.go(`audiences/${id}?tab=definition`);
    await page.getByText('used by their features').waitFor();
    expect(faults.list).toEqual([]);
  });

  it('says what to do with a list that matches nobody, is empty or is truncated', async () => {
    const opened = await openForm();
    const { page } = opened;
    const remove = () => page.getByRole('button', { name: 'Remove', exact: true }).click();
    await drop(opened, 'emails.txt', Buffer.from('ann@example.com\nbob@example.com\n'));
    await page.getByText(/"ann@example\.com" contains an e-mail address/).waitFor();
    await remove();
    await drop(opened, 'other.txt', Buffer.from('ann-1\nbob-1\n'));
    await page.getByText(/None of these IDs is in your population\. Your list has ann-1/).waitFor();
    await page.getByText(new RegExp(`the population has ${fixture().people[0]}`)).waitFor();
    await page.getByLabel('Name', { exact: true }).fill('Nobody');
    await create(opened);
    await page.getByText('At least 10 customers must be matched, but only 0 are.').waitFor();
    await remove();
    await drop(opened, 'empty.csv', Buffer.from(''));
    await page.getByText('The file is empty.').waitFor();
    await remove();
    await drop(opened, 'customers.xlsx', Buffer.from('PK\u0003\u0004\u0014'));
    await page.getByText('Save it as CSV, and choose that file.').waitFor();
    await remove();
    await drop(opened, 'open.csv', Buffer.from('user_id,note\nu1,"never closed\nu2,x\n'));
    await page.getByText(/A quote in line \d+ is never closed/).waitFor();
    await remove();
    await drop(opened, 'names.csv', Buffer.from('user_id,name\n,Ann\n,Bob\n'));
    await page.getByText('The list has no IDs in this column. Is this the right column?').waitFor();
  });

  it('shows errors at their fields, before and after the service is asked', async () => {
    const opened = await openForm();
    const { page } = opened;
    await page.getByLabel('Size', { exact: true }).fill('0');
    await create(opened);
    const name = page.getByLabel('Name', { exact: true });
    await page.getByText('Enter a name').waitFor();
    expect(await name.getAttribute('aria-invalid')).toBe('true');
    await page.locator('[aria-invalid="true"]:focus').waitFor();
    await page.getByText('Add your customers: paste their IDs or choose a file.').waitFor();
    await page.getByText('Enter a size.').waitFor();
    await name.fill('Shoes');
    await page.getByLabel('Or paste customer IDs').fill(customers.join('\n'));
    await page.getByText('120 customers matched.').waitFor();
    await page.getByLabel('Size', { exact: true }).fill('30.5');
    await page.getByLabel('Unit').selectOption('people');
    await page.getByText('Enter a whole number of people.').waitFor();
    await page.getByLabel('Size', { exact: true }).fill('12,5');
    expect(await page.locator('.size-wish .field-error').textContent()).toBe('Enter a whole number of people.');
    await page.getByLabel('Unit').selectOption('percent');
    await page.locator('.size-wish .field-error').waitFor({ state: 'detached' });
    await page.getByLabel('Unit').selectOption('people');
    // only the service knows that a number is too large
    await page.getByLabel('Size', { exact: true }).fill('99999999999999999999');
    await create(opened);
    const size = page.getByLabel('Size', { exact: true });
    await page.locator('.size-wish .field-error').waitFor();
    expect(await size.getAttribute('aria-invalid')).toBe('true');
    expect(await page.getByRole('button', { name: 'Create audience' }).isEnabled()).toBe(true);
  });

  it('can be made by keyboard alone', async () => {
    const { page } = await openForm();
    await page.getByLabel('Name', { exact: true }).focus();
    await page.keyboard.type('By keys');
    await page.keyboard.press('Tab');
    expect(await page.evaluate('document.activeElement.type')).toBe('file');
    await page.keyboard.press('Tab');
    await page.keyboard.insertText(customers.join('\n'));
    await page.getByText('120 customers matched.').waitFor();
    await page.getByText('Expected quality').waitFor();
    await page.getByLabel('Size', { exact: true }).focus();
    await page.keyboard.press('Enter');
    expect(await campaignOf(page)).toMatchObject({ name: 'By keys', audience: { percent: 5 } });
    // it is no longer a draft, which leaving the page would delete
    await expect.poll(async () => (await campaignOf(page)).state, { timeout: 60_000 }).toBe('ready');
  });

  it('has sample customers who share something', async () => {
    const { page, faults } = await openForm(OPERATOR, 'light', 'audiences/new?sample=1');
    await page.getByText(/sample customers from your population, who have something in common/).waitFor();
    await page.getByText('Expected quality').waitFor();
    expect(await page.getByLabel('Name', { exact: true }).inputValue()).toMatch(/^Sample: /);
    await page.getByRole('button', { name: 'Create audience' }).click();
    expect((await campaignOf(page)).name).toMatch(/^Sample: /);
    expect(faults.list).toEqual([]);
  });

  it('is not offered to a key that can only read', async () => {
    const { page } = await openForm(readKey);
    await page.getByRole('heading', { name: 'You do not have access to this page' }).waitFor();
    expect(await page.getByRole('button', { name: 'Create audience' }).count()).toBe(0);
  });

  it.each(THEMES)('is accessible in the %s theme', async (theme) => {
    const opened = await openForm(OPERATOR, theme);
    const { page } = opened;
    await expectAccessible(page);
    await takeScreenshots(opened, 'new-audience-empty', theme);
    await page.getByLabel('Name', { exact: true }).fill('Autumn shoes');
    await drop(opened, 'customers.csv', csv([...customers, 'nobody-1', 'nobody-2', 'nobody-3'], ';'));
    await page.getByText('Expected quality').waitFor();
    await page.getByLabel('Add a filter').selectOption('interests');
    await page.getByRole('checkbox').nth(2).waitFor();
    await page.locator('.filter .option').first().click();
    await drop(opened, 'left.txt', Buffer.from(`${customers.slice(0, 5).join('\n')}\n`), 'Choose a list');
    await page.getByText('This is a preview').waitFor();
    await expectAccessible(page);
    await create(opened);
    await page.getByText('This list is not used yet').waitFor();
    await expectAccessible(page);
    await takeScreenshots(opened, 'new-audience', theme);
    expect(opened.faults.list).toEqual([]);
  });
});
