/** The engine of a node without one of its own, as a real process. */
import { expect, it, onTestFinished, vi } from 'vitest';
import { readModelFolder } from '../../../src/model/folder.ts';
import { OnDemandEngine } from '../../../src/service/cluster/on-demand-engine.ts';
import { buildRig } from '../../engine/rig.ts';
import { HAS_PROC, isAlive } from '../../fixture/processes.ts';
import { tinyWorld } from '../../fixture/tiny-world.ts';

const IDLE_MS = 200;
const WITHIN = { timeout: 60_000, interval: 20 };

it.skipIf(!HAS_PROC)(
  'starts when it is needed, stops when it is idle, and starts again',
  { timeout: 120_000 },
  async () => {
    const world = await tinyWorld();
    const rig = await buildRig(world);
    const engine = new OnDemandEngine(rig.supervisor, IDLE_MS);
    onTestFinished(() => engine.close());
    const { version } = readModelFolder(world.model).manifest;
    for (let time = 0; time < 2; time++) {
      await engine.checkModel({ version, folder: world.model, campaigns: [] });
      const pid = rig.engine();
      expect(engine.state.ready).toBe(true);
      await vi.waitFor(() => expect(isAlive(pid)).toBe(false), WITHIN);
      await vi.waitFor(() => expect(engine.state).toMatchObject({ ready: false, restarts: 0, lastEnd: null }), WITHIN);
    }
  },
);
