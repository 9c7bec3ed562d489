/** The queue of pg-boss: a job and its ticket are one, whatever happens to the processes, and to the rows alone. */
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath, pathToFileURL } from 'node:url';
import pg from 'pg';
import { afterEach, expect, it } from 'vitest';
import type { CampaignStore } from '../../../src/domain/ports/store.ts';
import { systemClock } from '../../../src/lib/clock.ts';
import { openStore } from '../../../src/storage/postgres/open-store.ts';
import { requireUsable } from '../../../src/storage/postgres/upkeep/inspect.ts';
import { everyoneIsKnown, expand, LEASE_MS, newCampaign } from '../../domain/contract/inputs.ts';
import { temporaryFolder } from '../../fixture/folders.ts';
import { describeWithPostgres, openPostgres } from '../../fixture/postgres.ts';
import { IS_LONG, itUsual } from '../../fixture/size.ts';
import { sharedStore } from './shared-store.ts';

const LOOP = fileURLToPath(new URL('./children/campaign-loop.ts', import.meta.url));
const reason = { code: 'storage_failed', message: 'the disk is full' };
/** Neighbours in the queue. */
const APART_MS = 20;

const clients: pg.Client[] = [];
afterEach(async () => {
  for (const client of clients.splice(0)) await client.end();
});

async function connect(url: string | Promise<string>): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: await url });
  clients.push(client);
  await client.connect();
  return client;
}

/** The ids of jobs, and those of tickets. */
async function idsOf(client: pg.Client): Promise<{ readonly jobs: string[]; readonly tickets: string[] }> {
  const { rows } = await client.query(
    `SELECT ARRAY(SELECT id FROM jobs ORDER BY id) AS jobs, ARRAY(SELECT id::text FROM pgboss.job ORDER BY 1) AS tickets`,
  );
  return rows[0];
}

/** A store with the real clock. */
async function openReal(url: string): Promise<CampaignStore> {
  const options = { clock: systemClock, minimumSeeds: 1, leaseMs: 12_000, maximumAttempts: 3 };
  return (await openStore(url, { url: pathToFileURL(temporaryFolder()).href, cacheFolder: '' }, options)).store;
}

/** A store with a connection to its database, as another user of it. */
async function withClient(count = 0) {
  const data = sharedStore();
  const store = await data.open();
  const ids: string[] = [];
  for (let i = 0; i < count; i++) {
    ids.push((await store.create(newCampaign(), everyoneIsKnown)).id);
    data.clock.pass(1);
  }
  return { data, store, ids, client: await connect(data.url) };
}

async function claimAll(store: CampaignStore): Promise<string[]> {
  const claimed: string[] = [];
  for (let job = await store.claim('1:a'); job !== null; job = await store.claim('1:a')) claimed.push(job.campaignId);
  return claimed;
}

describeWithPostgres('a ticket', () => {
  itUsual('exists as long as its job, whichever way the job ends', async () => {
    const { store, ids, client } = await withClient(5);
    const [first, second] = [(await store.claim('1:a'))!, (await store.claim('1:a'))!];
    await store.retryLater(second, reason, 60_000);
    await store.releaseOwner('1:a');
    const before = await idsOf(client);
    expect(before.tickets).toHaveLength(5);
    expect(before.tickets).toEqual(before.jobs);
    expect(await store.renew(first)).toBe(false);
    await expand(store, (await store.claim('1:a'))!);
    await store.end((await store.claim('1:a'))!, 'failed', reason);
    await store.cancel(ids[3]!, (await store.get(ids[3]!)).expansionId!);
    await store.delete(ids[4]!);
    await store.delete(ids[1]!);
    expect(await idsOf(client)).toEqual({ jobs: [], tickets: [] });
  });

  it.runIf(IS_LONG)(
    'is recorded and ended in the transaction of its job, also by a process that is killed',
    async () => {
      const url = await openPostgres();
      const blobs = pathToFileURL(temporaryFolder()).href;
      const client = await connect(url);
      for (let kill = 0; kill < 4; kill++) {
        const child = spawn(process.execPath, [LOOP, url, blobs], { stdio: ['ignore', 'pipe', 'inherit'] });
        await once(child.stdout, 'data');
        await setTimeout(150 + 37 * kill);
        child.kill('SIGKILL');
        await once(child, 'exit');
        // the server notices that the connections are gone
        const others = `SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()`;
        while ((await client.query(others)).rows.length > 0) await setTimeout(20);
        const { jobs, tickets } = await idsOf(client);
        expect(tickets).toEqual(jobs);
      }
      expect((await client.query('SELECT count(*)::int AS count FROM expansions')).rows[0].count).toBeGreaterThan(4);
    },
  );

  itUsual('comes in the order of turns, also among neighbours, whenever it was sent', async () => {
    const { data, store, client } = await withClient();
    const ids: string[] = [];
    // jobs with few seeds overtake those with many
    for (let i = 0; i < 60; i++) {
      const seeds = Array.from({ length: 2 + ((i * 7) % 5) }, (_, j) => `u${j}`);
      ids.push((await store.create(newCampaign({ seeds }), everyoneIsKnown)).id);
      data.clock.pass(APART_MS);
    }
    data.clock.pass(60_000);
    const { rows } = await client.query(
      `SELECT c.id FROM jobs j JOIN expansions e ON e.number = j.expansion JOIN campaigns c ON c.number = e.campaign
       ORDER BY j.turn, j.number`,
    );
    const order = rows.map(({ id }) => id as string);
    expect(order).not.toEqual(ids);
    expect(await claimAll(store)).toEqual(order);
  });

  itUsual('stays with an owner that sent no heartbeat for a while, until another one has taken the job', async () => {
    const { data, store } = await withClient(2);
    const jobs = [(await store.claim('1:a'))!, (await store.claim('2:b'))!];
    data.clock.pass(LEASE_MS);
    // frees both tickets, and takes one
    expect(await store.claim('3:c')).toMatchObject({ id: jobs[0]!.id, token: 2 });
    expect(await Promise.all(jobs.map((job) => store.renew(job)))).toEqual([false, true]);
    data.clock.pass(LEASE_MS - 1);
    expect(await store.claim('4:d')).toBeNull();
    expect(await expand(store, jobs[1]!)).toBe(true);
  });

  itUsual('is neither lost nor doubled by connections that are cut at any moment', async () => {
    const { data, client } = await withClient(12);
    const cutter = await connect(data.url);
    const stores = await Promise.all([data.open(), data.open()]);
    let isEnded = false;
    const cutting = (async () => {
      while (!isEnded) {
        await cutter.query(
          `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
           WHERE datname = current_database() AND application_name = 'metaheac' AND query ~ 'pgboss|jobs'`,
        );
        await setTimeout(100);
      }
    })();
    const isDone = async () => (await idsOf(client)).jobs.length === 0;
    const engine = async (store: CampaignStore, owner: string) => {
      for (let isIdle = false; !(isIdle && (await isDone())); ) {
        try {
          // a claim whose answer was lost is given back
          if (isIdle) await store.releaseOwner(owner, 'stopped');
          const job = await store.claim(owner);
          isIdle = job === null || !(await expand(store, job));
        } catch {
          isIdle = true;
        }
      }
    };
    await Promise.all(stores.map((store, i) => engine(store, `${i}:engine`)));
    isEnded = true;
    await cutting;
    const ready = await client.query(`SELECT count(*)::int AS count FROM expansions WHERE state = 'ready'`);
    expect(ready.rows[0].count).toBe(12);
    expect(await idsOf(client)).toEqual({ jobs: [], tickets: [] });
  });
});

describeWithPostgres('the queue', () => {
  itUsual('is installed once by processes that open an empty database at the same time', async () => {
    const url = await openPostgres();
    const [one, two, three] = await Promise.all([openReal(url), openReal(url), openReal(url)]);
    await one.create(newCampaign(), everyoneIsKnown);
    expect(await two.claim('1:a')).not.toBeNull();
    for (const store of [one, two, three]) await store.close();
    const client = await connect(url);
    expect((await client.query('SELECT name FROM pgboss.queue')).rows).toEqual([{ name: 'expansions' }]);
  });

  itUsual('is missed before a start by a role that may not install it', async () => {
    const url = await openPostgres();
    const client = await connect(url);
    await (await openReal(url)).close();
    const role = `r_${randomUUID().replaceAll('-', '')}`;
    await client.query(`CREATE ROLE ${role} LOGIN PASSWORD 'x'; GRANT SELECT ON schema_steps TO ${role}`);
    const login = new URL(url);
    [login.username, login.password] = [role, 'x'];
    await requireUsable(login.href);
    await client.query('DROP SCHEMA pgboss CASCADE');
    await expect(requireUsable(login.href)).rejects.toMatchObject({ code: 'invalid_argument' });
    await client.query(`DROP OWNED BY ${role}; DROP ROLE ${role}`);
  });

  itUsual('has the jobs of a database without the queue, in their order, once the database is opened', async () => {
    const url = await openPostgres();
    const client = await connect(url);
    const before = await openReal(url);
    const ids: string[] = [];
    for (let i = 0; i < 4; i++) ids.push((await before.create(newCampaign(), everyoneIsKnown)).id);
    const held = (await before.claim('1:a'))!;
    await before.close();
    await client.query('DROP SCHEMA pgboss CASCADE');
    const after = await openReal(url);
    const { jobs, tickets } = await idsOf(client);
    expect(tickets).toEqual(jobs);
    expect(await claimAll(after)).toEqual(ids.slice(1));
    expect(await expand(after, held)).toBe(true);
    await after.close();
  });

  itUsual('takes in what processes of the release before do, which know no tickets', async () => {
    const { data, store, ids, client } = await withClient(4);
    const [made, taken, ended] = (await client.query('SELECT id FROM jobs ORDER BY number')).rows as { id: string }[];
    await client.query('DELETE FROM pgboss.job WHERE id = $1', [made!.id]);
    const lease = [taken!.id, data.clock.now() + LEASE_MS];
    await client.query(
      `UPDATE jobs SET owner = '9:old', lease_until = $2, token = 1, attempt = 1 WHERE id = $1`,
      lease,
    );
    await client.query('DELETE FROM jobs WHERE id = $1', [ended!.id]);
    expect((await claimAll(store)).sort()).toEqual([ids[0]!, ids[3]!].sort());
    const { jobs, tickets } = await idsOf(client);
    expect([tickets.length, tickets]).toEqual([3, jobs]);
    data.clock.pass(LEASE_MS);
    expect((await claimAll(store)).sort()).toEqual([ids[0]!, ids[1]!, ids[3]!].sort());
    const row = await client.query('SELECT attempt::int, deaths::int, token::int FROM jobs WHERE id = $1', [taken!.id]);
    expect(row.rows).toEqual([{ attempt: 1, deaths: 0, token: 2 }]);
  });

  itUsual('is put in order by the leader: tickets of jobs that have ended are removed', async () => {
    const { store, client } = await withClient(2);
    await client.query('DELETE FROM jobs WHERE number = 1');
    expect((await idsOf(client)).tickets).toHaveLength(2);
    await store.prune({ versions: 10, days: 100 });
    const { jobs, tickets } = await idsOf(client);
    expect([tickets.length, tickets]).toEqual([1, jobs]);
  });
});
