/** Waits until an undisturbed service has settled. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Entry } from './client.ts';
import type { Corruption } from './corruption.ts';
import { query, storedVersions } from './stored.ts';
import { describeStuck, type StuckScene } from './stuck.ts';

const CALM_MS = 180_000;
/** The scrubber starts over every second. */
const MENDED_MS = 60_000;

/**
 * Waits until no expansion of these campaigns is due or running.
 * @throws Error with the state of the service if that takes too long
 */
export async function calm(scene: StuckScene, entries: readonly Entry[]): Promise<void> {
  const { program } = scene;
  const end = performance.now() + CALM_MS;
  for (const { id, key } of entries.filter(({ isDeleted }) => !isDeleted))
    for (;;) {
      const state = (await program.call('GET', `/v1/campaigns/${id}`).catch(() => null))?.json?.state;
      if (state !== undefined && !['queued', 'adapting', 'scoring'].includes(state)) break;
      if (performance.now() > end) throw new Error(`${key} is still ${state}:\n${await describeStuck(scene)}`);
      await sleep(50);
    }
}

/**
 * Waits until no active audience has a corrupted ranking and nothing is running; returns the audiences that stay
 * corrupted.
 */
export async function untilMended(dataDir: string, { rankings }: Corruption): Promise<string[]> {
  const end = performance.now() + MENDED_MS;
  for (;;) {
    const damaged = storedVersions(dataDir).filter(({ isActive, folder }) => isActive === 1 && rankings.has(folder));
    if (damaged.length === 0 && query(dataDir, 'SELECT 1 FROM jobs').length === 0) return [];
    if (performance.now() > end)
      return damaged.map(({ name, folder }) => `${name}: its damaged audience ${folder} was not made again`);
    await sleep(100);
  }
}
