/** A campaign's negatives over HTTP: their reports, how they contradict seeds, and their weight. */
import { describe, expect, it } from 'vitest';
import { importUsers, OK_BODY, openFixture } from '../fixture.ts';

const fixture = await openFixture(await importUsers());
const { json: made } = await fixture.call('POST', '/v1/campaigns', OK_BODY);
const path = `/v1/campaigns/${made.id}`;
const text = { 'content-type': 'text/plain' };
const get = async (of = '') => (await fixture.call('GET', `${path}${of}`)).json;

describe("a campaign's negatives", () => {
  it('are replaced, extended, reduced, listed and deleted', async () => {
    expect((await get('/negatives')).users).toBe(0);
    const put = await fixture.call('PUT', `${path}/negatives`, 'person-90\nperson-91\nnobody\n', text);
    expect(put.json).toMatchObject({ users: 3, known: 2, unknown: 1, suppressed: 0, contradicting: 0 });
    await fixture.call('POST', `${path}/negatives/add`, { user_ids: ['person-92'] });
    await fixture.call('POST', `${path}/negatives/remove`, { user_ids: ['person-90'] });
    expect(await get('/negatives')).toMatchObject({ users: 3, known: 2, unknown: 1 });
    const unknown = await fixture.call('GET', `${path}/negatives/unknown`, undefined, { accept: 'text/plain' });
    expect(unknown.text).toBe('nobody\n');
    expect((await get()).needs_expansion).toBe(true);
    expect((await fixture.call('DELETE', `${path}/negatives`)).status).toBe(204);
    expect((await get()).needs_expansion).toBe(false);
  });

  it('contradict seeds, which both reports count', async () => {
    const [seed] = OK_BODY.seeds;
    await fixture.call('PUT', `${path}/negatives`, `${seed}\nperson-91\nnobody\n`, text);
    expect([(await get('/seeds')).contradicting, (await get('/negatives')).contradicting]).toEqual([1, 1]);
    await fixture.call('PUT', `${path}/suppression`, 'person-91\n', text);
    expect((await get('/negatives')).suppressed).toBe(1);
    expect((await get('/suppression')).contradicting).toBeUndefined();
  });

  it('have a weight, within its limits', async () => {
    expect(made.negative_weight).toBe(1);
    const changed = await fixture.call('PATCH', path, { negative_weight: 4 });
    expect([changed.json.negative_weight, (await get()).negative_weight]).toEqual([4, 4]);
    const expansion = await fixture.call('POST', `${path}/expansions`);
    expect(expansion.json).toMatchObject({ negatives: 3, negative_weight: 4 });
    for (const negative_weight of [0, 101, '2']) {
      const { status, json } = await fixture.call('PATCH', path, { negative_weight });
      expect([status, json.errors[0].pointer]).toEqual([400, '/negative_weight']);
    }
  });
});
