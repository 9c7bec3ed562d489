/** Files of the population or of a ranking that disappear while the service runs. */
import { renameSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { importUsers, openFixture } from '../fixture.ts';

const population = await importUsers();
const fixture = await openFixture(population);

/** Does something while a file is not there. */
async function without(path: string, action: () => Promise<void>): Promise<void> {
  renameSync(path, `${path}.away`);
  try {
    await action();
  } finally {
    renameSync(`${path}.away`, path);
  }
}

describe('a deleted segment', () => {
  it('is 503 with its own code, suspected, and no loss once it is back', async () => {
    const id = await fixture.createReady();
    const { path, version } = population;
    const routes = ['/v1/populations/current/sample?size=3', `/v1/campaigns/${id}/explanation`];
    await without(join(path, version, 'segments/000000.arrow'), async () => {
      for (const route of routes) {
        const before = fixture.suspicions();
        const { status, json } = await fixture.call('GET', route);
        expect([route, status, json.code]).toEqual([route, 503, 'invalid_population']);
        expect(JSON.stringify(json)).not.toContain('arrow');
        expect(fixture.suspicions()).toBe(before + 1);
      }
      // what needs no segment goes on
      expect((await fixture.call('GET', `/v1/campaigns/${id}/audience`)).status).toBe(200);
    });
    for (const route of routes) expect((await fixture.call('GET', route)).status).toBe(200);
  });
});

describe('a deleted file of a ranking', () => {
  it.each(['order.u32', 'scores.f32', 'ranking.json'])('is 503 until it is back: %s', async (file) => {
    const id = await fixture.createReady();
    await without(join(fixture.dataDir, (await fixture.store.activeAudience(id)).folder, file), async () => {
      const { status, json } = await fixture.call('GET', `/v1/campaigns/${id}/audience`);
      expect([status, json.code]).toEqual([503, 'storage_failed']);
    });
    expect((await fixture.call('GET', `/v1/campaigns/${id}/audience`)).status).toBe(200);
  });
});

describe('the status', () => {
  it('names what is damaged', async () => {
    expect((await fixture.call('GET', '/v1/status')).json.damage).toEqual({ count: 0, files: [] });
    const one = { kind: 'population', path: 'v/segments/000000.arrow', foundAt: Date.UTC(2026, 10, 26) } as const;
    fixture.answers.damage = Array.from({ length: 21 }, () => one);
    const { damage } = (await fixture.call('GET', '/v1/status')).json;
    expect([damage.count, damage.files.length]).toEqual([21, 20]);
    expect(damage.files[0]).toEqual({ kind: one.kind, path: one.path, found_at: '2026-11-26T00:00:00.000Z' });
    expect((await fixture.call('GET', '/metrics')).text).toContain('metaheac_damage{kind="population"} 21');
  });
});
