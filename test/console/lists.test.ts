/** The global suppression list, the feedback upload and the audit log in a real browser, with keys of each scope. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, it } from 'vitest';
import { identifierId } from '../../src/domain/identities.ts';
import { schemaOfFeatures, updateFiles } from '../../src/population/update/update-files.ts';
import { jsonLines } from '../fixture/json-lines.ts';
import { describeInBrowser, expectAccessible, takeScreenshots } from './browser.ts';
import { AUTHORIZED, create, csv, drop, useNewAudience } from './new-audience-form.ts';

const { fixture, customers, signIn, campaignOf } = useNewAudience();
const keys = { read: '', write: '', labelled: '' };

beforeAll(async () => {
  if (fixture() === undefined) return;
  const make = async (name: string, scope: string, labels = {}) =>
    (await fixture().served.call('POST', '/v1/keys', { name, scope, labels }, AUTHORIZED)).json.key;
  keys.read = await make('the reader', 'read');
  keys.write = await make('the writer', 'write');
  keys.labelled = await make('of growth', 'write', { team: 'growth' });
});

describeInBrowser('the global suppression list', () => {
  const users = async () => (await fixture().served.call('GET', '/v1/suppression', undefined, AUTHORIZED)).json.users;

  it('can be extended, shortened, replaced and deleted, each time after a preview', async () => {
    const opened = await signIn('suppression', keys.write);
    const { page, faults } = opened;
    const upload = (name: string, ids: readonly string[]) => drop(opened, name, csv(ids), 'Choose a list');
    await upload('opt-outs.csv', [...customers.slice(0, 20), 'a stranger']);
    await page.getByText('20 people matched, 1 unknown.').waitFor();
    await page.getByText('This is a preview. Nothing has changed yet.').waitFor();
    expect(await users()).toBe(0);
    await expectAccessible(page);
    await page.getByRole('button', { name: 'Add 21 people' }).click();
    await page.getByText('The people were added to the list.').waitFor();
    const counts = page.getByRole('region', { name: 'On the list' });
    await counts.getByText('21', { exact: true }).waitFor();
    const download = page.waitForEvent('download');
    await counts.getByRole('button', { name: 'Download the 1 unknown IDs' }).click();
    expect(readFileSync(await (await download).path(), 'utf8')).toBe('a stranger\n');
    await page.getByLabel('What to do').selectOption('Remove people');
    await upload('back.csv', customers.slice(0, 5));
    await page.getByRole('button', { name: 'Remove 5 people' }).click();
    await counts.getByText('16', { exact: true }).waitFor();
    await page.getByLabel('What to do').selectOption('Replace the whole list');
    await upload('new.csv', customers.slice(50, 53));
    await page.getByRole('button', { name: 'Replace the list with 3 people' }).click();
    await counts.getByText('3', { exact: true }).first().waitFor();
    expect(await users()).toBe(3);
    const basis = page.getByLabel('Legal basis');
    await basis.selectOption('Legal obligation');
    await upload('law.csv', customers.slice(50, 54));
    await page.getByRole('button', { name: 'Replace the list with 4 people' }).click();
    await counts.getByText('Legal obligation').waitFor();
    // the next replacement keeps it
    expect(await basis.inputValue()).toBe('legal_obligation');
    await page.getByRole('button', { name: 'Delete the list' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Delete the list' }).click();
    await page.getByText('The suppression list is now empty.').waitFor();
    expect(await users()).toBe(0);
    expect(faults.list).toEqual([]);
  });

  it('cannot be changed by a key that can only read, and is not shown to a key for certain campaigns', async () => {
    const { page } = await signIn('suppression', keys.read);
    await page.getByText('Your key can read the list but not change it.').waitFor();
    expect(await page.getByText('Choose a list').count()).toBe(0);
    const { page: other } = await signIn('suppression', keys.labelled);
    await other.getByRole('heading', { name: 'You do not have access to this page' }).waitFor();
  });
});

describeInBrowser('the upload of feedback', () => {
  let id = '';
  beforeAll(async () => {
    if (fixture() === undefined) return;
    const body = { name: 'Autumn shoes', seeds: customers, audience: { size: 100 } };
    id = (await fixture().served.call('POST', '/v1/campaigns', body, AUTHORIZED)).json.id;
    const state = async () => (await fixture().served.call('GET', `/v1/campaigns/${id}`, undefined, AUTHORIZED)).json;
    await fixture().served.until(async () => (await state()).state === 'ready', 'made an audience');
  });

  it('reports what the people on a list did, after a preview', async () => {
    const { served, people } = fixture();
    const opened = await signIn(`audiences/${id}?tab=results`, keys.write);
    const { page, faults } = opened;
    await page.getByRole('link', { name: 'Report results' }).click();
    await page.getByLabel('What these people did').selectOption('Clicks');
    await drop(opened, 'clicks.csv', csv([...people.slice(400, 430), 'a stranger']), 'Choose a list');
    await page.getByText('30 people matched, 1 unknown.').waitFor();
    const outcome = async () => (await served.call('GET', `/v1/campaigns/${id}/feedback`, undefined, AUTHORIZED)).json;
    expect((await outcome()).users).toEqual({ conversion: 0, click: 0, dismissal: 0 });
    await expectAccessible(page);
    await page.getByRole('button', { name: 'Report 31 clicks' }).click();
    await page.getByText('Reported 31 clicks.').waitFor();
    await page.getByRole('tab', { name: 'Results', selected: true }).waitFor();
    expect((await outcome()).users).toEqual({ conversion: 0, click: 31, dismissal: 0 });
    const suppression = await served.call('GET', `/v1/campaigns/${id}/suppression`, undefined, AUTHORIZED);
    expect(suppression.json.users).toBe(0);
    expect(faults.list).toEqual([]);
  });

  it('says which scope it needs', async () => {
    const { page } = await signIn(`audiences/${id}/report`, keys.read);
    await page.getByText('needs a key with the scope “write”', { exact: false }).waitFor();
    await page.goto(`${fixture().url}/console/#/audiences/${id}?tab=results`);
    await page.getByRole('heading', { name: 'Results' }).waitFor();
    expect(await page.getByRole('link', { name: 'Report results' }).count()).toBe(0);
  });
});

describeInBrowser('the audit log', () => {
  it('shows who changed what, searches it, and saves it', async () => {
    const { page, faults } = await signIn('audit');
    const row = page.getByRole('row', { name: /Create key/ }).first();
    await row.getByText('Operator’s key').waitFor();
    await page.getByRole('searchbox').fill('the writer');
    await page
      .getByRole('row', { name: /the writer.*Record feedback/ })
      .first()
      .waitFor();
    expect(await page.getByRole('row', { name: /Create key/ }).count()).toBe(0);
    await page.getByRole('button', { name: 'Action' }).click();
    expect(await page.getByRole('columnheader', { name: 'Action' }).getAttribute('aria-sort')).toBe('ascending');
    const download = page.waitForEvent('download');
    await page.getByRole('button', { name: 'Download' }).click();
    const lines = jsonLines(readFileSync(await (await download).path(), 'utf8'));
    expect(lines.map(({ action }) => action)).toContain('recordFeedback');
    await page.getByRole('searchbox').fill('nothing like it');
    await page.getByRole('heading', { name: 'No entries' }).waitFor();
    await page.getByRole('searchbox').fill('');
    await page.getByLabel('Time span').selectOption('Last 24 hours');
    await row.waitFor();
    expect(page.url()).toMatch(/#\/audit\?days=1$/);
    expect(faults.list).toEqual([]);
  });

  it('says which scope it needs, and is not offered to other keys', async () => {
    const { page } = await signIn('audit', keys.write);
    await page.getByText('needs a key with the scope “admin”', { exact: false }).waitFor();
    expect(await page.getByRole('link', { name: 'Audit log' }).count()).toBe(0);
  });
});

describeInBrowser('lists of identifiers', () => {
  const RULE = 'E-mail addresses, rule uid2';
  const emailOf = (i: number) => `Person.${i}@example.com`;
  const emails = Array.from({ length: 120 }, (_, i) => emailOf(i));
  const get = async (path: string) => (await fixture().served.call('GET', path, undefined, AUTHORIZED)).json;
  const hashOf = (value: string) =>
    identifierId(value, { type: 'email', rule: 'uid2', isHashed: false, countryCode: null })!.split(':')[2]!;
  beforeAll(async () => {
    if (fixture() === undefined) return;
    const { folder, people, served } = fixture();
    const mapping = join(folder, 'identifiers.csv');
    const lines = people.map((id, i) => `${id},email,uid2,${emailOf(i)}`);
    writeFileSync(mapping, ['user_id,type,rule,value', ...lines, `${people[0]},phone,meta,+16505551212`].join('\n'));
    const { version } = await updateFiles({
      ...{ population: join(folder, 'population'), changed: [], deleted: [], identifierFiles: [mapping] },
      schema: (features) => schemaOfFeatures(features, new Map()),
    });
    const activated = await served.call('POST', `/v1/populations/${version}/activate`, undefined, AUTHORIZED);
    expect(activated.status).toBe(200);
  });

  it('make an audience, and find its people, without a plain identifier in an estimate, a URL or the browser', async () => {
    const opened = await signIn('audiences/new', keys.write);
    const { page, faults } = opened;
    const kindOf = (part: string) => page.getByRole('region', { name: part }).getByLabel('Kind of IDs');
    const exposed: string[] = [];
    page.on('request', (request) => {
      const isEstimate = request.url().endsWith('/v1/estimates');
      if (/person\./i.test(request.url() + (isEstimate ? request.postData() : ''))) exposed.push(request.url());
    });
    const stored = () => page.evaluate('JSON.stringify({ ...sessionStorage }) + JSON.stringify({ ...localStorage })');
    await page.getByLabel('Or paste customer IDs').fill(emails.join('\n'));
    await page.getByText('"Person.0@example.com" contains an e-mail address', { exact: false }).waitFor();
    expect(await stored()).not.toMatch(/person\./i);
    await kindOf('Your customers').selectOption(RULE);
    await page.getByText('120 customers matched.').waitFor();
    await page.getByText(`${RULE}: 100% of 120 are known.`).waitFor();
    await page.getByText('There is no forecast for plain identifiers.', { exact: false }).waitFor();
    await page.getByLabel('Name', { exact: true }).fill('By e-mail');
    await kindOf('Exclude people').selectOption(RULE);
    const left = Buffer.from(
      `name,mail\n${[...emails.slice(0, 3), 'x@y.z'].map((mail) => `Ann,${mail}`).join('\n')}\n`,
    );
    await drop(opened, 'left.csv', left, 'Choose a list');
    await page.getByText('3 people matched, 1 unknown.').waitFor();
    await page.getByText(`${RULE}: 75% of 4 are known.`).waitFor();
    await expectAccessible(page);
    await takeScreenshots(opened, 'new-audience-identifiers', 'light');
    await page.getByRole('button', { name: 'Exclude these 3 people' }).click();
    await page.getByText('These 3 people will be excluded.').waitFor();
    expect(await stored()).toContain('By e-mail');
    expect(await stored()).not.toMatch(/person\./i);
    await create(opened);
    const { id } = await campaignOf(page);
    await page.getByRole('tab', { name: 'Size' }).waitFor();
    await opened.go(`audiences/${id}?tab=definition`);
    await page.getByRole('region', { name: 'Your customers' }).getByText('of 120 are known').waitFor();
    await opened.go(`audiences/${id}?tab=members`);
    await page.getByLabel('Kind of IDs').selectOption(RULE);
    for (const [value, answer] of [
      [emails[0]!, 'Not in the audience'],
      ['nobody@example.com', 'Unknown'],
    ]) {
      await page.getByLabel('Check a person').fill(value!);
      await page.getByRole('button', { name: 'Check', exact: true }).click();
      await page.locator('.look-up-answer').getByText(answer!, { exact: true }).waitFor();
    }
    await expectAccessible(page);
    await opened.go(`audiences/${id}?tab=export`);
    await page.getByLabel('Kind of IDs').selectOption(RULE);
    await page.getByText('People without an identifier of this kind', { exact: false }).waitFor();
    await expectAccessible(page);
    await takeScreenshots(opened, 'export-identifiers', 'light');
    const download = page.waitForEvent('download');
    await page.getByRole('button', { name: 'Download' }).click();
    const [, ...rows] = readFileSync(await (await download).path(), 'utf8')
      .trim()
      .split('\n');
    const hashes = new Set(fixture().people.map((_, i) => hashOf(emailOf(i))));
    expect([rows.length, rows.every((row) => hashes.has(row.split(',')[1]!))]).toEqual([100, true]);
    await opened.go(`audiences/${id}/report`);
    await page.getByLabel('Kind of IDs').selectOption(RULE);
    await drop(opened, 'bought.txt', Buffer.from(`${emails[3]}\n${emails[4]}\n`), 'Choose a list');
    await page.getByText(`${RULE}: 100% of 2 are known.`).waitFor();
    await expectAccessible(page);
    await page.getByRole('button', { name: 'Report 2 conversions' }).click();
    await page.getByText('Reported 2 conversions.').waitFor();
    expect([exposed, faults.list]).toEqual([[], []]);
  });

  it('have a forecast if they are hashed, and phone numbers may lack their country code', async () => {
    const opened = await signIn('audiences/new', keys.write);
    const { page } = opened;
    const asked = page.waitForRequest((request) => request.url().endsWith('/v1/estimates'));
    await page.getByRole('region', { name: 'Your customers' }).getByLabel('Kind of IDs').selectOption(RULE);
    await page.getByLabel('Values').selectOption('hashed');
    const hex = emails.map((email) => Buffer.from(hashOf(email), 'base64').toString('hex'));
    await page.getByLabel('Or paste customer IDs').fill(hex.join('\n'));
    await page.getByText('120 customers matched.').waitFor();
    expect((await asked).postDataJSON().seeds).toEqual(emails.map((email) => `email:uid2:${hashOf(email)}`));
    await page.getByText('Expected quality').waitFor();
    const negatives = page.getByRole('region', { name: 'Negatives' });
    await negatives.getByLabel('Kind of IDs').selectOption('Phone numbers, rule meta');
    await page.getByLabel('Country code').fill('+1');
    await drop(opened, 'returned.txt', Buffer.from('(650) 555-1212\n'), 'Choose negatives');
    await page.getByText('Phone numbers, rule meta: 100% of 1 are known.').waitFor();
  });

  it('extend a campaign and the global suppression list', async () => {
    const opened = await signIn('suppression', keys.write);
    const { page, faults } = opened;
    await page.getByLabel('Kind of IDs').selectOption(RULE);
    await drop(opened, 'emails.csv', csv(['Person.5@example.com', 'bob@example.com']), 'Choose a list');
    await page.getByRole('button', { name: 'Add 2 people' }).click();
    const counts = page.getByRole('region', { name: 'On the list' });
    await counts.getByText('of 2 are known').waitFor();
    await expectAccessible(page);
    const { text } = await fixture().served.call('GET', '/v1/suppression', undefined, AUTHORIZED);
    expect([text.includes('email:uid2:'), text.includes('bob')]).toEqual([true, false]);
    await fixture().served.call('DELETE', '/v1/suppression', undefined, AUTHORIZED);
    const { served, people } = fixture();
    const body = { name: 'Too few', seeds: people.slice(0, 3), audience: { size: 100 } };
    const { id } = (await served.call('POST', '/v1/campaigns', body, AUTHORIZED)).json;
    await opened.go(`audiences/${id}`);
    await page.getByRole('button', { name: 'Add customers' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Kind of IDs').selectOption(RULE);
    await dialog.getByLabel('Customer IDs').fill([...emails.slice(3), 'not an address'].join('\n'));
    await expectAccessible(page);
    await dialog.getByRole('button', { name: 'Add 118 and rebuild' }).click();
    await dialog.getByText('“not an address”: the value is not an identifier', { exact: false }).waitFor();
    await dialog.getByLabel('Customer IDs').fill(emails.slice(3).join('\n'));
    await dialog.getByRole('button', { name: 'Add 117 and rebuild' }).click();
    await page.getByRole('tab', { name: 'Size' }).waitFor();
    expect((await get(`/v1/campaigns/${id}/seeds`)).identifiers).toEqual([
      { type: 'email', rule: 'uid2', users: 117, known: 117, known_percent: 100 },
    ]);
    expect(faults.list).toEqual([]);
  });
});
