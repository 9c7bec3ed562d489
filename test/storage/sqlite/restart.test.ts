/** A process is killed with -9 while it commits: everything that it acknowledged is there after a restart. */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { pauseMs } from '../../../src/domain/expansions.ts';
import { systemClock } from '../../../src/lib/clock.ts';
import { openStore } from '../../../src/storage/sqlite/adapter.ts';
import { temporaryFolder } from '../../fixture/folders.ts';

/** The output of the child before it was killed during its work, after at least `lines` lines. */
function acknowledgedBeforeKill(folder: string, lines: number): Promise<{ lines: string[] }> {
  return new Promise((resolve, reject) => {
    const child = spawn(
      process.execPath,
      [fileURLToPath(new URL('./children/commit-loop.ts', import.meta.url)), folder],
      {
        stdio: ['ignore', 'pipe', 'inherit'],
      },
    );
    let output = '';
    child.stdout.on('data', (data: Buffer) => {
      output += data;
      if (output.split('\n').length > lines) child.kill('SIGKILL');
    });
    child.on('error', reject);
    child.on('close', (_code, signal) => {
      if (signal !== 'SIGKILL') reject(new Error(`the child ended by itself: ${output}`));
      else resolve({ lines: output.split('\n').slice(0, -1) });
    });
  });
}

describe('CampaignStore after kill -9', () => {
  it('has everything that was acknowledged, twice in a row, and the jobs of the dead engine are released', async () => {
    const folder = temporaryFolder();
    const acknowledged: string[] = [];
    for (const round of [1, 2]) {
      const { lines } = await acknowledgedBeforeKill(folder, 40 * round);
      acknowledged.push(...lines);
      const store = await openStore(folder, {
        clock: systemClock,
        minimumSeeds: 1,
        leaseMs: 60_000,
        maximumAttempts: 9,
      });
      for (const line of acknowledged) {
        const [what, id, value] = line.split(' ') as [string, string, string];
        const campaign = await store.get(id);
        if (what === 'created') expect(campaign.name).toBe(`c${value}`);
        if (what === 'scoring') expect(campaign.progress).toBeGreaterThanOrEqual(Number(value));
        if (what === 'finished') {
          expect(campaign).toMatchObject({ state: 'ready', progress: 1, modelVersion: 'm', audienceSize: 1 });
          expect((await store.activeAudience(id)).folder).toBe(`audiences/${id}`);
        }
      }
      expect(acknowledged.filter((line) => line.startsWith('finished')).length).toBeGreaterThan(0);
      expect(await store.releaseAll()).toBeGreaterThan(0);
      expect(await store.countsByState()).toMatchObject({ adapting: 0, scoring: 0 });
      await store.close();
    }
    await expectEveryJobClaimable(folder, acknowledged);
  });
});

async function expectEveryJobClaimable(folder: string, acknowledged: readonly string[]): Promise<void> {
  // jobs that were begun wait after the death of their engine
  const clock = { ...systemClock, now: () => systemClock.now() + pauseMs(9) };
  const store = await openStore(folder, { clock, minimumSeeds: 1, leaseMs: 60_000, maximumAttempts: 9 });
  const claimed = new Map<string, string[]>();
  for (let job = await store.claim('1:test'); job !== null; job = await store.claim('1:test')) {
    claimed.set(job.campaignId, [...(await store.setBlocks(job.sets.seeds))].flat());
  }
  const finished = new Set(
    acknowledged.filter((line) => line.startsWith('finished')).map((line) => line.split(' ')[1]),
  );
  for (const [, id, i] of acknowledged.filter((line) => line.startsWith('created')).map((line) => line.split(' '))) {
    const ready = (await store.get(id!)).state === 'ready';
    if (finished.has(id)) expect(ready).toBe(true);
    // The last finish may be on disk without having been acknowledged.
    if (!ready) expect(claimed.get(id!)).toEqual([`seed ${i}`, 'two\nlines']);
  }
  await store.close();
}
