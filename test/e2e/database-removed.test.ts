/** A file of the database is removed under a running service, which is then killed: nothing acknowledged is lost. */
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../fixture/folders.ts';
import { HAS_PROC } from '../fixture/processes.ts';
import { Served } from '../fixture/served.ts';
import { tinyWorld } from '../fixture/tiny-world.ts';

const world = await tinyWorld();
/** The service promises a second; a machine that does other things too may be late with a timer. */
const PROMISED_MS = 1000;
const LATE_MS = 2000;

describe.skipIf(!HAS_PROC)('serve whose log of the database is removed', () => {
  it('answers writes and readiness with 503 at once, and has all that was acknowledged again', {
    timeout: 180_000,
  }, async () => {
    const dataDir = temporaryFolder();
    const served = await Served.start({ ...world, dataDir });
    const acknowledged: string[] = [];
    const ready = await served.create(world.campaigns[0]!);
    await served.ended(ready);
    acknowledged.push(ready);
    const post = () =>
      served.call('POST', '/v1/campaigns', { name: 'x', audience: { size: 5 }, ...world.campaigns[1]! });
    for (let i = 0; i < 6; i++) acknowledged.push((await post()).json.id);
    // what is on its way when the file goes is acknowledged and kept, or refused
    const onTheirWay = Array.from({ length: 6 }, post);
    rmSync(join(dataDir, 'metaheac.db-wal'));
    for (const answer of await Promise.all(onTheirWay)) {
      if (answer.status === 202) acknowledged.push(answer.json.id);
      else expect([answer.status, answer.json.code]).toEqual([503, 'database_lost']);
    }
    const since = performance.now();
    const refused = await post();
    expect([refused.status, refused.json.code]).toEqual([503, 'database_lost']);
    await served.until(async () => (await served.call('GET', '/readyz')).status === 503, 'is not ready');
    expect(performance.now() - since).toBeLessThan(PROMISED_MS + LATE_MS);
    const parts: { name: string; detail: string }[] = (await served.call('GET', '/readyz')).json.parts;
    expect(parts.find(({ name }) => name === 'store')?.detail).toContain('writing has stopped');
    await served.until(() => served.log.includes('the whole database was saved'), 'has saved the database');
    // reads go on, and deletions are refused as other writes are
    expect((await served.call('GET', `/v1/campaigns/${ready}/audience`)).status).toBe(200);
    expect((await served.call('DELETE', `/v1/campaigns/${ready}`)).json.code).toBe('database_lost');
    served.killGroup();
    await served.exited();

    const again = await Served.start({ ...world, dataDir });
    expect(again.log).toContain('the database files were lost, so the saved database is being used');
    const { items } = (await again.call('GET', '/v1/campaigns?limit=200')).json as { items: { id: string }[] };
    expect(items.map(({ id }) => id)).toEqual(expect.arrayContaining(acknowledged));
    expect(acknowledged.length).toBeGreaterThan(5);
    expect(readdirSync(dataDir).filter((name) => name.includes('.saved-'))).toEqual([]);
    await again.ended(await again.create(world.campaigns[2]!));
    expect(existsSync(join(dataDir, 'metaheac.db'))).toBe(true);
  });
});
