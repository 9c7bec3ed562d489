/** A few users to try things with. */
import { describe, expect, it } from 'vitest';
import { importUsers, openFixture, USER_IDS } from '../fixture.ts';

const population = await importUsers();
const server = await openFixture(population, { maximumSampleSize: 150 });

const sample = (query: string) => server.call('GET', `/v1/populations/current/sample${query}`);

describe('GET /v1/populations/current/sample', () => {
  it('has the first users of the population, as many as are wanted', async () => {
    const { status, json } = await sample('?size=40');
    expect(status).toBe(200);
    expect(json).toEqual({ population_version: population.version, user_ids: USER_IDS.slice(0, 40) });
    expect((await sample('')).json.user_ids).toEqual(USER_IDS.slice(0, 100));
  });

  it('has those with a value only, and fewer where there are no more', async () => {
    const { json } = await sample('?size=150&feature=city&value=c3');
    expect(json.user_ids).toEqual(USER_IDS.filter((_, i) => i % 7 === 3));
    expect((await sample('?feature=city&value=nowhere')).json.user_ids).toEqual([]);
  });

  it('refuses what the population does not have, and what makes no sense', async () => {
    const unknown = await sample('?feature=shoe_size&value=42');
    expect([unknown.status, unknown.json.code]).toEqual([404, 'feature_not_found']);
    expect(unknown.json.known_features).toEqual(['city', 'gender']);
    for (const query of ['?size=151', '?feature=city', '?value=c3']) {
      const { status, json } = await sample(query);
      expect([query, status, json.code]).toEqual([query, 400, 'invalid_request']);
    }
  });

  it('leaves out who was erased', async () => {
    const gone = USER_IDS[1]!;
    expect((await server.call('DELETE', `/v1/users/${encodeURIComponent(gone)}`)).status).toBe(204);
    const { json } = await sample('?size=3');
    expect(json.user_ids).toEqual([USER_IDS[0], USER_IDS[2], USER_IDS[3]]);
  });
});
