/** API keys of several nodes: a key that one node revokes is refused by the others within a second. */
import { setTimeout } from 'node:timers/promises';
import { expect, it } from 'vitest';
import type { NewApiKey } from '../../../src/domain/api-keys.ts';
import { systemClock } from '../../../src/lib/clock.ts';
import { describeWithPostgres } from '../../fixture/postgres.ts';
import { atServer, type Node, newNodes } from './nodes.ts';

const MOST = 100;
const KEY: NewApiKey = { name: 'ad server', scope: 'read', labels: {}, expiresAt: null };

/** Milliseconds until a node sees that a key is revoked. */
async function untilRefused({ apiKeys }: Node, id: string): Promise<number> {
  const start = systemClock.elapsed();
  while ((await apiKeys.find(id))?.revokedAt === null) await setTimeout(5);
  return systemClock.elapsed() - start;
}

/** Ends every connection of a database that listens. */
const cutListeners = (url: string) =>
  atServer(
    url,
    `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
     WHERE datname = current_database() AND pid <> pg_backend_pid() AND query LIKE '%pg_notify%'`,
  );

describeWithPostgres('API keys of several nodes', () => {
  it('are refused within a second after another node revoked them', async () => {
    const { open } = await newNodes();
    const [one, two] = [await open(), await open()];
    const { apiKey } = await one.apiKeys.create(KEY, MOST);
    expect((await two.apiKeys.find(apiKey.id))?.revokedAt).toBeNull();
    expect(await two.apiKeys.exist()).toBe(true);
    await one.apiKeys.revoke(apiKey.id);
    expect((await one.apiKeys.find(apiKey.id))?.revokedAt, 'the own commit is visible at once').not.toBeNull();
    expect(await untilRefused(two, apiKey.id)).toBeLessThan(1_000);
  });

  it('are refused within a second also if the listening connection is cut before, or at the same time', async () => {
    const { url, open } = await newNodes();
    const [one, two] = [await open(), await open()];
    const keys = await Promise.all([1, 2, 3, 4].map(async () => (await one.apiKeys.create(KEY, MOST)).apiKey.id));
    await two.apiKeys.exist();
    for (const [i, id] of keys.entries()) {
      const cut = i % 2 === 0 ? cutListeners(url) : setTimeout(20).then(() => cutListeners(url));
      if (i === 0) await cut;
      await one.apiKeys.revoke(id);
      expect(await untilRefused(two, id)).toBeLessThan(1_000);
      await cut;
    }
  });

  it('are refused within a second if no announcement arrives any more', async () => {
    const { open } = await newNodes();
    const [one, two] = [await open(), await open()];
    const { apiKey } = await one.apiKeys.create(KEY, MOST);
    await two.apiKeys.exist();
    await two.database.announcements.close();
    await setTimeout(1_000); // the node has noticed that it hears nothing
    await one.apiKeys.revoke(apiKey.id);
    expect(await untilRefused(two, apiKey.id)).toBeLessThan(1_000);
  });

  it('of many nodes do not exceed the maximum together', async () => {
    const { open } = await newNodes();
    const nodes = [await open(), await open(), await open()];
    const made = await Promise.allSettled([...nodes, ...nodes].map(({ apiKeys }) => apiKeys.create(KEY, 4)));
    expect(made.filter(({ status }) => status === 'fulfilled')).toHaveLength(4);
    for (const one of made) if (one.status === 'rejected') expect(one.reason).toMatchObject({ code: 'too_many_keys' });
  });

  it('stay expired on every node once one node has found them expired', async () => {
    const { open, clock } = await newNodes();
    const [one, two] = [await open(), await open()];
    const { apiKey } = await one.apiKeys.create({ ...KEY, expiresAt: clock.now() + 10 }, MOST);
    expect((await two.apiKeys.find(apiKey.id))?.expiredAt).toBeNull();
    expect(await one.apiKeys.recordExpired(clock.now() + 10)).toBe(1);
    expect(await two.apiKeys.recordExpired(clock.now() + 10)).toBe(0);
    expect((await one.apiKeys.find(apiKey.id))?.expiredAt).toBe(clock.now() + 10);
    await expect.poll(async () => (await two.apiKeys.find(apiKey.id))?.expiredAt).toBe(clock.now() + 10);
  });

  it('are found in memory while the database does not answer', async () => {
    const { url, open } = await newNodes();
    const [one, two] = [await open(), await open()];
    const { apiKey } = await one.apiKeys.create(KEY, MOST);
    await two.apiKeys.exist();
    const name = new URL(url).pathname.slice(1);
    await atServer(url.replace(name, 'postgres'), `ALTER DATABASE ${name} WITH ALLOW_CONNECTIONS false`);
    await atServer(
      url.replace(name, 'postgres'),
      'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1',
      [name],
    );
    expect((await two.apiKeys.find(apiKey.id))?.id).toBe(apiKey.id);
    await setTimeout(1_500);
    expect((await two.apiKeys.find(apiKey.id))?.id).toBe(apiKey.id);
    await expect(two.apiKeys.create(KEY, MOST)).rejects.toThrow();
    await atServer(url.replace(name, 'postgres'), `ALTER DATABASE ${name} WITH ALLOW_CONNECTIONS true`);
    await one.apiKeys.revoke(apiKey.id);
    expect(await untilRefused(two, apiKey.id)).toBeLessThan(1_000);
  });
});
