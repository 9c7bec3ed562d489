/**
 * Stopping: by SIGTERM, by Ctrl-C, during the start and in the middle of an expansion, no process stays; and one
 * service a data folder.
 */
import { rmSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, describe, expect, it } from 'vitest';
import { temporaryFolder } from '../fixture/folders.ts';
import { groupOf, HAS_PROC } from '../fixture/processes.ts';
import { Served } from '../fixture/served.ts';
import { tinyWorld } from '../fixture/tiny-world.ts';

const world = await tinyWorld();
const campaign = world.campaigns[0]!;
/** Its expansion takes long enough to be seen. */
const wide = { ...world, population: world.wide };
const folders: string[] = [];
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});
/** What was promised. */
const STOP_SECONDS = 20;

function newFolder(): string {
  const folder = temporaryFolder();
  folders.push(folder);
  return folder;
}

async function expectNothingLeft(served: Served): Promise<void> {
  // what was started may be gone a moment before its children
  await expect.poll(() => groupOf(served.group), { timeout: 20_000 }).toEqual([]);
}

describe.skipIf(!HAS_PROC)('serve', () => {
  it('ends on SIGTERM during an expansion, which the next start finishes, and keeps a second service out', {
    timeout: 180_000,
  }, async () => {
    const dataDir = newFolder();
    const served = await Served.start({ ...wide, dataDir, env: { METAHEAC_MAXIMUM_ATTEMPTS: '1' } });
    const second = await Served.spawn({ ...wide, dataDir });
    expect((await second.exited()).code).toBe(1);
    expect(second.log).toMatch(/^metaheac: data folder .* is in use by another metaheac serve.*\n$/);
    const id = await served.create(campaign);
    await served.until(
      async () => ['adapting', 'scoring'].includes((await served.call('GET', `/v1/campaigns/${id}`)).json.state),
      'expands',
    );
    process.kill(served.api, 'SIGTERM');
    const { code, seconds } = await served.exited();
    expect(code).toBe(0);
    expect(seconds).toBeLessThan(STOP_SECONDS);
    await expectNothingLeft(served);

    const next = await Served.start({
      ...wide,
      dataDir,
      isThroughNpm: true,
      env: { METAHEAC_MAXIMUM_ATTEMPTS: '1' },
    });
    expect(await next.ended(id)).toMatchObject({ state: 'ready', audience_version: 1 });
    // Ctrl-C reaches npm, its shell, the API and the engine at once.
    process.kill(-next.group, 'SIGINT');
    expect((await next.exited()).seconds).toBeLessThan(STOP_SECONDS);
    await expectNothingLeft(next);
    expect(next.log).not.toMatch(/\n\s+at /);
  });

  it('ends on a signal at any moment of its start', { timeout: 180_000 }, async () => {
    const dataDir = newFolder();
    // As soon as it listens: the engine is not ready yet.
    const listening = await Served.spawn({ ...wide, dataDir, isThroughNpm: true });
    await listening.until(async () => (await listening.call('GET', '/livez')).status === 200, 'listens');
    expect((await listening.call('GET', '/readyz')).status).toBe(503);
    // a supervisor signals npm alone, which waits for the service
    process.kill(listening.group, 'SIGTERM');
    const { code, seconds } = await listening.exited();
    expect([code, seconds < STOP_SECONDS]).toEqual([0, true]);
    await expectNothingLeft(listening);
    expect(listening.log).not.toMatch(/\n\s+at /);
    for (const [signal, delayMs] of [
      ['SIGTERM', 300],
      ['SIGINT', 900],
    ] as const) {
      const early = await Served.spawn({ ...world, dataDir, isThroughNpm: true });
      await sleep(delayMs);
      process.kill(-early.group, signal);
      expect((await early.exited()).seconds).toBeLessThan(STOP_SECONDS);
      await expectNothingLeft(early);
      expect(early.log).not.toMatch(/\n\s+at /);
    }
  });
});
