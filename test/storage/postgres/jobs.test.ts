/** Jobs that several engines take from one queue: each once, in their order, also if an engine is stopped or killed. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { afterEach, expect, it, vi } from 'vitest';
import type { CampaignStore } from '../../../src/domain/ports/store.ts';
import type { Job } from '../../../src/domain/types.ts';
import { systemClock } from '../../../src/lib/clock.ts';
import { createLogger } from '../../../src/lib/logging.ts';
import { releaseLostEngines } from '../../../src/service/cluster/engine-host.ts';
import { LONGEST_LEASE_MS, postgres } from '../../../src/storage/postgres/adapter.ts';
import { everyoneIsKnown, expand, newCampaign } from '../../domain/contract/inputs.ts';
import { temporaryFolder } from '../../fixture/folders.ts';
import { describeWithPostgres, openMigratedPostgres } from '../../fixture/postgres.ts';
import { IS_LONG, itUsual } from '../../fixture/size.ts';
import { atServer } from '../sql/nodes.ts';
import { sharedStore } from './shared-store.ts';

const ENGINE = fileURLToPath(new URL('./children/engine.ts', import.meta.url));
/** How often an engine looks at the queue. */
const POLL_MS = 500;

const children: ChildProcess[] = [];
const stores: CampaignStore[] = [];
afterEach(async () => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  for (const store of stores.splice(0)) await store.close();
});

/** A store with the real clock, and a process that holds the job of its only campaign. */
async function withEngine() {
  const url = await openMigratedPostgres();
  const blobs = pathToFileURL(temporaryFolder()).href;
  const options = { clock: systemClock, minimumSeeds: 1, leaseMs: LONGEST_LEASE_MS, maximumAttempts: 3 };
  const store = await postgres({ url: blobs, cacheFolder: '' }).open(url, options);
  stores.push(store);
  const { id } = await store.create(newCampaign(), everyoneIsKnown);
  const child = spawn(process.execPath, [ENGINE, url, blobs, String(LONGEST_LEASE_MS)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  children.push(child);
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  expect((await lines.next()).value).toBe('claimed');
  return { url, store, id, child, nextLine: async () => (await lines.next()).value as string };
}

async function claimWhenFree(store: CampaignStore, pollMs = POLL_MS): Promise<Job> {
  for (;;) {
    const job = await store.claim('1:other');
    if (job !== null) return job;
    await setTimeout(pollMs);
  }
}

describeWithPostgres('jobs of several engines', () => {
  itUsual('are claimed once each, in the order of their turns, by engines that claim at the same time', async () => {
    const data = sharedStore();
    const all = await Promise.all([1, 2, 3, 4].map(() => data.open()));
    const ids: string[] = [];
    for (let i = 0; i < 24; i++) {
      ids.push((await all[0]!.create(newCampaign(), everyoneIsKnown)).id);
      data.clock.pass(1);
    }
    const claims = await Promise.all(
      Array.from({ length: 12 }, async (_, i) => {
        const own: string[] = [];
        for (;;) {
          const job = await all[i % all.length]!.claim(`${i}:engine`);
          if (job === null) return own;
          own.push(job.campaignId);
        }
      }),
    );
    expect(claims.flat().sort()).toEqual([...ids].sort());
    // each claim takes the first job that is free, so the claims of an engine are in the order of the queue
    for (const own of claims) expect(own).toEqual([...own].sort((a, b) => ids.indexOf(a) - ids.indexOf(b)));
  });

  itUsual('stay with their engines when another service starts', async () => {
    const data = sharedStore();
    const [one, two] = [await data.open(), await data.open()];
    await one.create(newCampaign(), everyoneIsKnown);
    const job = (await one.claim('1:a'))!;
    expect(await two.releaseAll()).toBe(0);
    expect([await one.renew(job), await two.claim('2:b')]).toEqual([true, null]);
  });

  it.runIf(IS_LONG)('are refused from an engine that was stopped while another one finished its job', async () => {
    const { store, id, child, nextLine } = await withEngine();
    child.kill('SIGSTOP');
    const job = await claimWhenFree(store);
    expect(job).toMatchObject({ campaignId: id, attempt: 2, token: 2 });
    expect(await expand(store, job, { folder: 'audiences/c/of-other' })).toBe(true);
    child.kill('SIGCONT');
    child.stdin!.write('finish\n');
    expect(await nextLine()).toBe('finished false');
    expect(await store.activeAudience(id)).toMatchObject({ version: 1, folder: 'audiences/c/of-other' });
  });

  it('are taken from a killed engine within two seconds, and never from one that is alive', async ({
    onTestFinished,
  }) => {
    const { url, store, child } = await withEngine();
    const session = `SELECT 1 FROM pg_stat_activity
      WHERE datname = current_database() AND application_name LIKE 'metaheac engine %'`;
    while ((await atServer(url, session)).rows.length === 0) await setTimeout(10);
    const wake = vi.fn();
    const end = releaseLostEngines({ store, cluster: store.cluster!, wake, logger: createLogger('silent', 'test') });
    onTestFinished(end);
    // longer than the server is left alone after its start
    child.kill('SIGSTOP');
    await setTimeout(4_000);
    expect(wake).not.toHaveBeenCalled();
    child.kill('SIGKILL');
    await once(child, 'exit');
    const killedAt = performance.now();
    expect(await claimWhenFree(store, 50)).toMatchObject({ attempt: 2, deaths: 1 });
    expect(performance.now() - killedAt).toBeLessThan(2_000);
  });
});
