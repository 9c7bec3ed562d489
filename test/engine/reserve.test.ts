/** The reserve for deletions, as the engine sees it: while it is given up, no expansion begins. */
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { tinyWorld } from '../fixture/tiny-world.ts';
import { startRig } from './rig.ts';

const world = await tinyWorld();
/** The queue is polled twice in it. */
const WAIT_MS = 1_200;

it('holds expansions back while the reserve is given up, also over a kill of the engine', async () => {
  const rig = await startRig({ ...world, threads: 1 });
  const reserve = join(rig.dataDir, 'reserve');
  // a disk that never had room for one takes work
  expect((await rig.ended(await rig.create(world.campaigns[0]!))).state).toBe('ready');
  writeFileSync(reserve, 'x');
  rig.supervisor.expectReserve();
  expect((await rig.ended(await rig.create(world.campaigns[1]!))).state).toBe('ready');

  rmSync(reserve);
  const id = await rig.create(world.campaigns[2]!);
  await sleep(WAIT_MS);
  expect((await rig.store.get(id)).state).toBe('queued');
  const before = rig.engine();
  process.kill(before, 'SIGKILL');
  await expect.poll(() => rig.supervisor.state, { timeout: 60_000 }).toMatchObject({ ready: true, restarts: 1 });
  expect(rig.engine()).not.toBe(before);
  await sleep(WAIT_MS);
  expect(await rig.store.get(id)).toMatchObject({ state: 'queued' });

  writeFileSync(reserve, 'x');
  expect((await rig.ended(id)).state).toBe('ready');
});
