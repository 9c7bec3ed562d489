/** Sign-in, with keys of each scope. */
import { readFileSync } from 'node:fs';
import { beforeAll, expect, it } from 'vitest';
import { describeInBrowser, expectAccessible, useConsoleFixture } from './browser.ts';

const OPERATOR = 'the key of the operator';
const fixture = useConsoleFixture({ METAHEAC_API_KEY: OPERATOR });

describeInBrowser('signing in', () => {
  const keys: Record<string, string> = {};
  beforeAll(async () => {
    if (fixture() === undefined) return;
    const headers = { authorization: `Bearer ${OPERATOR}` };
    for (const scope of ['read', 'write']) {
      const answer = await fixture().served.call('POST', '/v1/keys', { name: `a key to ${scope}`, scope }, headers);
      keys[scope] = answer.json.key;
    }
  });

  const signIn = async (key: string) => {
    const opened = await fixture().open();
    await opened.go('audiences');
    await opened.page.getByLabel('API key').fill(key);
    await opened.page.getByRole('button', { name: 'Sign in' }).click();
    return opened;
  };

  it('refuses a key that the service does not know', async () => {
    const { page } = await signIn('mh_wrong');
    await page.getByText('This key is not valid.').waitFor();
    expect(await page.getByRole('navigation').count()).toBe(0);
  });

  it("offers what the key's scope allows, and no more", async () => {
    const { page } = await signIn(keys['read']!);
    await page.getByRole('heading', { name: 'No audiences yet' }).waitFor();
    expect(await page.getByText('a key to read, read').count()).toBe(1);
    expect(await page.getByRole('main').getByRole('link').count()).toBe(0);
    const { page: other } = await signIn(keys['write']!);
    await other.getByRole('link', { name: 'Create your first audience' }).waitFor();
  });

  it('shows an audience to a key that can only read, and never shows the key', async () => {
    const { served, people } = fixture();
    const headers = { authorization: `Bearer ${OPERATOR}` };
    const body = { name: 'Read only', seeds: people.slice(0, 120), audience: { size: 50 } };
    const made = (await served.call('POST', '/v1/campaigns', body, headers)).json.id;
    const isReady = async () =>
      (await served.call('GET', `/v1/campaigns/${made}`, undefined, headers)).json.size === 50;
    await served.until(isReady, 'made an audience');
    const { page } = await signIn(keys['read']!);
    await page.getByRole('link', { name: 'Read only' }).click();
    await page.getByRole('slider').waitFor();
    for (const name of ['Use this size', 'Current size', 'Edit', 'Delete', 'Rebuild'])
      expect([name, await page.getByRole('button', { name }).count()]).toEqual([name, 0]);
    await page.getByRole('tab', { name: 'Export' }).click();
    const command = await page.locator('.command').textContent();
    expect(command).toContain('-H "authorization: Bearer $METAHEAC_API_KEY"');
    expect(command).not.toContain(keys['read']);
    const download = page.waitForEvent('download');
    await page.getByRole('button', { name: 'Download' }).click();
    const path = `/v1/campaigns/${made}/audience`;
    const exported = await served.call('GET', path, undefined, { ...headers, accept: 'text/csv' });
    expect(readFileSync(await (await download).path(), 'utf8')).toBe(exported.text);
    await served.call('DELETE', `/v1/campaigns/${made}`, undefined, headers);
  });

  it('lasts until the tab is closed or the user signs out', async () => {
    const { page } = await signIn(keys['read']!);
    await page.getByRole('heading', { name: 'No audiences yet' }).waitFor();
    await page.reload();
    await page.getByRole('heading', { name: 'No audiences yet' }).waitFor();
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByRole('heading', { name: 'Sign in' }).waitFor();
    expect(await page.evaluate('sessionStorage.length')).toBe(0);
  });

  it('waits for a busy service, and says so', async () => {
    const { page } = await signIn(keys['read']!);
    await page.getByRole('heading', { name: 'No audiences yet' }).waitFor();
    const problem = { type: '/docs/errors/unavailable', title: 'Unavailable', code: 'unavailable', detail: 'busy' };
    const body = JSON.stringify({ ...problem, status: 503, request_id: 'r', retry_after: 1 });
    let busy = { caller: 2, list: 2 };
    await page.route('**/v1/{keys/current,campaigns?*}', async (route) => {
      const part = route.request().url().includes('keys') ? 'caller' : 'list';
      if (busy[part] === 0) return route.continue();
      busy = { ...busy, [part]: busy[part] - 1 };
      await route.fulfill({ status: 503, contentType: 'application/problem+json', body });
    });
    await page.reload();
    await page.getByRole('heading', { name: 'The service is busy' }).waitFor();
    await page.getByRole('heading', { name: 'No audiences yet' }).waitFor();
    expect(busy).toEqual({ caller: 0, list: 0 });
  });

  it('offers to reload the console if the service has another version of it', async () => {
    const { page } = await signIn(keys['read']!);
    await page.getByRole('heading', { name: 'No audiences yet' }).waitFor();
    // until the page is reloaded: a page that can load its files before continues by itself
    let isGone = true;
    page.on('request', (request) => {
      if (request.isNavigationRequest()) isGone = false;
    });
    await page.route('**/assets/*', (route) => (isGone ? route.fulfill({ status: 404 }) : route.continue()));
    await page.getByRole('link', { name: 'Status' }).click();
    await page.getByRole('heading', { name: 'The console was updated' }).waitFor();
    await expectAccessible(page);
    await page.getByRole('button', { name: 'Reload' }).click();
    await page.getByText('Everything is working').waitFor();
  });

  it('ends when the key is revoked', async () => {
    const headers = { authorization: `Bearer ${OPERATOR}` };
    const { served } = fixture();
    const made = await served.call('POST', '/v1/keys', { name: 'short', scope: 'read' }, headers);
    const { page } = await signIn(made.json.key);
    await page.getByRole('heading', { name: 'No audiences yet' }).waitFor();
    await served.call('DELETE', `/v1/keys/${made.json.id}`, undefined, headers);
    await page.goto(`${fixture().url}/console/#/audiences?search=x`);
    await page.getByText('The key is no longer valid.').waitFor();
  });
});
