/** The consent basis of lists over HTTP: given with an upload, kept with the list, and written to the audit log. */
import { describe, expect, it } from 'vitest';
import { importUsers, OK_BODY, openFixture } from '../fixture.ts';

const fixture = await openFixture(await importUsers());
const text = { 'content-type': 'text/plain' };
const send = (method: 'PUT' | 'POST', path: string, ids = 'person-90\n') => fixture.call(method, path, ids, text);
const basisOf = async (path: string) => (await fixture.call('GET', path)).json.consent_basis;

describe('the consent basis of a list', () => {
  it('is kept by additions and removals, and cleared by a replacement without it', async () => {
    const made = await fixture.call('POST', '/v1/campaigns', { ...OK_BODY, seeds_consent_basis: 'contract' });
    const seeds = `/v1/campaigns/${made.json.id}/seeds`;
    expect(await basisOf(seeds)).toBe('contract');
    expect((await send('PUT', `${seeds}?consent_basis=consent&dry_run=true`)).json.consent_basis).toBe('consent');
    expect((await send('PUT', `${seeds}?consent_basis=consent`)).json.consent_basis).toBe('consent');
    await send('POST', `${seeds}/add?consent_basis=consent`, 'person-91\n');
    await send('POST', `${seeds}/add`, 'person-92\n');
    await send('POST', `${seeds}/remove`);
    expect(await basisOf(seeds)).toBe('consent');
    expect(await basisOf(seeds.replace('seeds', 'negatives'))).toBeNull();
    await send('PUT', seeds);
    expect(await basisOf(seeds)).toBeNull();
  });

  it('is the same for all users of the list', async () => {
    expect((await send('POST', '/v1/suppression/add?consent_basis=legal_obligation')).status).toBe(200);
    for (const dryRun of ['', '&dry_run=true']) {
      const other = await send('POST', `/v1/suppression/add?consent_basis=consent${dryRun}`, 'person-91\n');
      expect(other).toMatchObject({
        status: 409,
        json: { code: 'consent_basis_differs', consent_basis: 'legal_obligation' },
      });
    }
    expect((await fixture.call('GET', '/v1/suppression')).json).toMatchObject({ users: 1 });
    expect((await send('PUT', '/v1/suppression?consent_basis=maybe')).json.errors[0].pointer).toBe('consent_basis');
  });

  it('is in the audit log', async () => {
    await send('PUT', '/v1/suppression?consent_basis=contract');
    await send('PUT', '/v1/suppression');
    const entries = (await fixture.call('GET', '/v1/audit')).text.trim().split('\n');
    const facts = entries.map((line) => JSON.parse(line).facts);
    expect(facts.slice(-2)).toEqual([{ consent_basis: 'contract' }, null]);
  });

  it('survives the erasure of a user of the list', async () => {
    await send('PUT', '/v1/suppression?consent_basis=contract', 'person-90\nperson-91\n');
    await fixture.store.eraseUsers(['person-90']);
    expect((await fixture.call('GET', '/v1/suppression')).json).toMatchObject({ users: 1, consent_basis: 'contract' });
  });
});
