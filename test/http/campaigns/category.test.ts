/** The category of a campaign: what is refused, and what it changes. */
import { expect, it } from 'vitest';
import { importUsers, OK_BODY, openFixture } from '../fixture.ts';

const fixture = await openFixture(await importUsers());
const post = (body: object) => fixture.call('POST', '/v1/campaigns', { ...OK_BODY, ...body });

it('is refused without labels and with filters by what it excludes, by every route that takes it', async () => {
  const unlabelled = { code: 'unlabelled_category', labelled_categories: ['housing'] };
  const filtered = { code: 'excluded_filter', errors: [{ pointer: '/filters/gender', value: 'gender' }] };
  const filters = { gender: ['f'] };
  expect((await post({ category: 'credit' })).json).toMatchObject(unlabelled);
  expect((await post({ category: 'housing', filters })).json).toMatchObject(filtered);
  expect((await post({ category: 'shoes' })).json.code).toBe('invalid_request');
  const { seeds } = OK_BODY;
  expect((await fixture.call('POST', '/v1/estimates', { seeds, category: 'credit' })).json).toMatchObject(unlabelled);
  const id = await fixture.createReady({ ...OK_BODY, filters });
  const patch = (change: object) => fixture.call('PATCH', `/v1/campaigns/${id}`, change);
  expect((await patch({ category: 'housing' })).json).toMatchObject(filtered);
  expect((await patch({ category: 'credit' })).json).toMatchObject(unlabelled);
  expect((await patch({ category: 'housing', filters: {} })).status).toBe(200);
  expect((await patch({ filters })).json).toMatchObject(filtered);
});

it('is refused with groups that the four-fifths rule cannot compare', async () => {
  const unknown = { code: 'unknown_feature', known_features: ['city', 'gender'] };
  expect((await post({ four_fifths: 'age' })).json).toMatchObject(unknown);
  const filters = { gender: ['f'] };
  expect((await post({ four_fifths: 'gender', filters })).json.code).toBe('excluded_filter');
  const filtered = await fixture.createReady({ ...OK_BODY, filters: { gender: ['f', 'm'] } });
  const refused = await fixture.call('PATCH', `/v1/campaigns/${filtered}`, { four_fifths: 'gender' });
  expect(refused.json).toMatchObject({ code: 'excluded_filter', errors: [{ pointer: '/filters/gender' }] });
  const id = await fixture.createReady({ ...OK_BODY, four_fifths: 'gender' });
  const path = `/v1/campaigns/${id}`;
  expect((await fixture.call('PATCH', path, { filters })).json.code).toBe('excluded_filter');
  expect((await fixture.call('PATCH', path, { four_fifths: null, filters })).json).toMatchObject({
    four_fifths: null,
    needs_expansion: true,
  });
});

it('is an input of the next expansion, which keeps it', async () => {
  const id = await fixture.createReady(OK_BODY);
  const path = `/v1/campaigns/${id}`;
  const before = await fixture.call('GET', path);
  expect(before.json).toMatchObject({ category: null, needs_expansion: false });
  const { json } = await fixture.call('PATCH', path, { category: 'housing' });
  expect(json).toMatchObject({ category: 'housing', needs_expansion: true });
  const expansion = await fixture.call('GET', `${path}/expansions/${json.expansion_id}`);
  expect(expansion.json.category).toBeNull();
  await fixture.call('POST', `${path}/expansions`);
  await fixture.finishNext();
  expect((await fixture.call('GET', path)).json.needs_expansion).toBe(false);
  expect((await fixture.call('PATCH', path, { category: null })).json.needs_expansion).toBe(true);
});
