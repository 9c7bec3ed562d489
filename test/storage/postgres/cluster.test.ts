/**
 * What the processes of a cluster share: leadership, served versions, counts, members, and whether the database
 * answers.
 */
import pg from 'pg';
import { afterEach, expect, it, vi } from 'vitest';
import { PostgresCluster } from '../../../src/storage/postgres/cluster/cluster.ts';
import { openDatabase, type PostgresDatabase } from '../../../src/storage/postgres/database/database.ts';
import { describeWithPostgres, openMigratedPostgres } from '../../fixture/postgres.ts';

/** Leadership moves within seconds; the rest is for busy machines. */
const WITHIN = { timeout: 30_000, interval: 20 };

const opened: { readonly database: PostgresDatabase; readonly cluster: PostgresCluster }[] = [];
afterEach(async () => {
  for (const { database, cluster } of opened.splice(0)) {
    await cluster.close();
    await database.close();
  }
});

async function join(url: string) {
  const database = await openDatabase(url);
  const cluster = new PostgresCluster(database, url, `process-${opened.length}`);
  opened.push({ database, cluster });
  return { database, cluster };
}

async function asServer(url: string, sql: string, values: unknown[] = []): Promise<pg.QueryResult> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return await client.query(sql, values);
  } finally {
    await client.end();
  }
}

/** Ends the connection that holds the lock of the leader, as a server does whose client is silent. */
const cutLeader = (url: string) =>
  asServer(
    url,
    `SELECT pg_terminate_backend(l.pid) FROM pg_locks l JOIN pg_database d ON d.oid = l.database
     WHERE l.locktype = 'advisory' AND d.datname = current_database() AND l.granted`,
  );

const oneLeads = (clusters: readonly PostgresCluster[]) =>
  vi.waitFor(() => {
    const leaders = clusters.filter(({ leadership }) => leadership.isLeader);
    expect(leaders).toHaveLength(1);
    return leaders[0]!;
  }, WITHIN);

describeWithPostgres('leadership', () => {
  it('has one leader, and another within seconds after the leader ends', async () => {
    const url = await openMigratedPostgres();
    const members = [await join(url), await join(url), await join(url)];
    const clusters = members.map(({ cluster }) => cluster);
    const told: number[] = [];
    clusters.forEach(({ leadership }, i) => void leadership.onLead(() => told.push(i)));
    const first = await oneLeads(clusters);
    const others = clusters.filter((one) => one !== first);
    expect(await Promise.all(others.map(({ leadership }) => leadership.lead(async () => 'work')))).toEqual([
      null,
      null,
    ]);
    expect(await first.leadership.lead(async () => 'work')).toBe('work');
    await first.close();
    expect(first.leadership.isLeader).toBe(false);
    const second = await oneLeads(others);
    expect(told).toContain(clusters.indexOf(second));
  });

  it('is left to the processes that have work for a leader', async () => {
    const url = await openMigratedPostgres();
    const engines = [await join(url), await join(url), await join(url)];
    const node = (await join(url)).cluster;
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    node.leadership.onLead(() => {});
    await oneLeads([node]);
    expect(engines.map(({ cluster }) => cluster.leadership.isLeader)).toEqual([false, false, false]);
    await cutLeader(url);
    await oneLeads([node]);
  });

  it('refuses a transaction that a leader began before another process led', async () => {
    const url = await openMigratedPostgres();
    const [one, other] = [await join(url), await join(url)];
    for (const { cluster } of [one, other]) cluster.leadership.onLead(() => {});
    const first = await oneLeads([one.cluster, other.cluster]);
    const { database, cluster } = first === one.cluster ? one : other;
    const next = first === one.cluster ? other : one;
    const begun = Promise.withResolvers<void>();
    const isGoingOn = Promise.withResolvers<void>();
    const stale = cluster.leadership.lead(async () => {
      await database.write((t) => t.run('UPDATE probe SET written_at = 1'));
      begun.resolve();
      await isGoingOn.promise;
      return database.write((t) => t.run('UPDATE probe SET written_at = 2'));
    });
    await begun.promise;
    await cutLeader(url);
    // the leader may win again: then it is cut again
    await vi.waitFor(
      async () => {
        if (!next.cluster.leadership.isLeader) await cutLeader(url);
        expect(next.cluster.leadership.isLeader).toBe(true);
      },
      { timeout: 60_000, interval: 1_500 },
    );
    isGoingOn.resolve();
    await expect(stale).rejects.toMatchObject({ code: 'unavailable', message: 'another process leads now' });
    expect(await database.get('SELECT written_at AS at FROM probe')).toEqual({ at: 1 });
    // work that needs no leader goes on
    await database.write((t) => t.run('UPDATE probe SET written_at = 3'));
    await next.cluster.leadership.lead(() => next.database.write((t) => t.run('UPDATE probe SET written_at = 4')));
    expect(await database.get('SELECT written_at AS at FROM probe')).toEqual({ at: 4 });
  });
});

describeWithPostgres('the served row', () => {
  it('is changed by one of several that read the same, and every process is told within a second', async () => {
    const url = await openMigratedPostgres();
    const clusters = [(await join(url)).cluster, (await join(url)).cluster];
    expect(await clusters[0]!.served.get()).toBe(null);
    const told = clusters.map(({ served }) => {
      const epochs: number[] = [];
      served.onChanged(({ epoch }) => epochs.push(epoch));
      return epochs;
    });
    const starts = await Promise.all(
      clusters.flatMap(({ served }) =>
        ['m1', 'm2'].map((model) => served.change(0, { kind: 'start', model, population: 'p1' })),
      ),
    );
    expect(starts.filter((one) => one !== null)).toHaveLength(1);
    const entry = { version: 'm3', activatedAt: 5, check: { b: 1, a: [2] } };
    const changed = await clusters[1]!.served.change(1, { kind: 'activation', entry });
    expect(changed).toMatchObject({ epoch: 2, population: 'p1' });
    expect(JSON.stringify(await clusters[0]!.served.get())).toBe(JSON.stringify(changed));
    await vi.waitFor(() => expect(told.map((epochs) => epochs.at(-1))).toEqual([2, 2]), WITHIN);
  });
});

describeWithPostgres('shared counts', () => {
  it('add up over processes, and forget earlier windows', async () => {
    const url = await openMigratedPostgres();
    const [one, other] = [(await join(url)).cluster.counts, (await join(url)).cluster.counts];
    await Promise.all(
      Array.from({ length: 40 }, (_, i) =>
        (i % 2 === 0 ? one : other).add(
          7,
          new Map(
            [
              ['b', 1],
              ['a', 2],
            ].slice(i % 3 === 0 ? 1 : 0) as [string, number][],
          ),
        ),
      ),
    );
    const sums = await other.add(7, new Map(['a', 'b', 'c'].map((client) => [client, 1])));
    expect(Object.fromEntries(sums)).toEqual({ a: 81, b: 27, c: 1 });
    expect(await one.add(8, new Map())).toEqual(new Map());
    const { rows } = await asServer(url, 'SELECT count(*)::int AS n FROM request_counts');
    expect(rows[0].n).toBe(0);
  });
});

describeWithPostgres('members', () => {
  it('are those that described themselves lately and did not leave', async () => {
    const url = await openMigratedPostgres();
    const { cluster } = await join(url);
    const member = { kind: 'engine', host: 'h', release: '1', isReady: false } as const;
    await cluster.heartbeat({ ...member, id: 'gone' }, 60_000);
    await asServer(url, `UPDATE members SET seen_at = now() - interval '2 minutes'`);
    for (const id of ['a', 'b']) await cluster.heartbeat({ ...member, id }, 60_000);
    await cluster.heartbeat({ ...member, id: 'a', isReady: true }, 60_000);
    await cluster.leave('b');
    expect(await cluster.members()).toEqual([{ ...member, id: 'a', isReady: true, ageMs: expect.any(Number) }]);
    expect(Math.abs((await cluster.now()) - Date.now())).toBeLessThan(5_000);
  });
});

describeWithPostgres('an outage', () => {
  it('begins when the database refuses connections, and ends by itself', async () => {
    const url = await openMigratedPostgres();
    const { cluster, database } = await join(url);
    const name = new URL(url).pathname.slice(1);
    const server = url.replace(/[^/]*$/, 'postgres');
    await database.get('SELECT 1 AS one');
    expect(cluster.outage()).toBe(null);
    await asServer(server, `ALTER DATABASE ${name} WITH ALLOW_CONNECTIONS false`);
    await asServer(server, 'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1', [name]);
    const outage = await vi.waitFor(() => {
      const found = cluster.outage();
      expect(found).not.toBe(null);
      return found!;
    }, WITHIN);
    expect(outage.ms).toBeGreaterThanOrEqual(2_500);
    expect(outage.reason).not.toContain('postgres://');
    await asServer(server, `ALTER DATABASE ${name} WITH ALLOW_CONNECTIONS true`);
    await vi.waitFor(() => expect(cluster.outage()).toBe(null), WITHIN);
  });
});
