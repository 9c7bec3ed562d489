/** A short chaos run. `npm run test:chaos` is the long one. */
import { randomUUID } from 'node:crypto';
import { expect, it } from 'vitest';
import { temporaryFolder } from '../fixture/folders.ts';
import { HAS_PROC } from '../fixture/processes.ts';
import { tinyWorld } from '../fixture/tiny-world.ts';
import { runChaos } from './run.ts';
import { openServiceTarget } from './service.ts';
import { isPassed, renderSummary } from './summary.ts';
import { makeChaosWorld } from './world.ts';

it.skipIf(!HAS_PROC)(
  'the service loses and doubles nothing that it acknowledged, whatever fault strikes',
  { timeout: 600_000 },
  async () => {
    const folder = temporaryFolder();
    const summary = await runChaos(openServiceTarget, await makeChaosWorld(await tinyWorld(), folder), {
      seconds: 15,
      clients: 8,
      seed: randomUUID().slice(0, 8),
      folder,
      note: () => {},
    });
    expect(isPassed(summary), renderSummary(summary).join('\n')).toBe(true);
    expect(Object.keys(summary.kills)).not.toEqual([]);
  },
);
