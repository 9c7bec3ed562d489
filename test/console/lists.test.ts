/** The global suppression list, the feedback upload and the audit log in a real browser, with keys of each scope. */
import { readFileSync } from 'node:fs';
import { beforeAll, expect, it } from 'vitest';
import { describeInBrowser, expectAccessible } from './browser.ts';
import { AUTHORIZED, csv, drop, useNewAudience } from './new-audience-form.ts';

const { fixture, customers, signIn } = useNewAudience();
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

  it('takes identifiers, and shows how they match', async () => {
    const opened = await signIn('suppression', keys.write);
    const { page, faults } = opened;
    await page.getByLabel('What the list has').selectOption('E-mail addresses, rule uid2');
    await drop(opened, 'emails.csv', csv(['Ann.Lee@gmail.com', 'bob@example.com']), 'Choose a list');
    await page.getByRole('button', { name: 'Add 2 people' }).click();
    const counts = page.getByRole('region', { name: 'On the list' });
    await counts.getByText('0 % of 2 known').waitFor();
    await expectAccessible(page);
    const { text } = await fixture().served.call('GET', '/v1/suppression', undefined, AUTHORIZED);
    expect([text.includes('email:uid2:'), text.includes('gmail'), faults.list]).toEqual([true, false, []]);
    await fixture().served.call('DELETE', '/v1/suppression', undefined, AUTHORIZED);
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
    const lines = readFileSync(await (await download).path(), 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
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
