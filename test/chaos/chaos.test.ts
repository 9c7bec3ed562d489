/** A short chaos run. `npm run test:chaos` is the long one. */
import { randomUUID } from 'node:crypto';
import { expect, it } from 'vitest';
import { temporaryFolder } from '../fixture/folders.ts';
import { HAS_PROC } from '../fixture/processes.ts';
import { tinyWorld } from '../fixture/tiny-world.ts';
import { runChaos } from './run.ts';
import { isPassed, renderSummary } from './summary.ts';

it.skipIf(!HAS_PROC)('keeps what was acknowledged, once, with every fault there is', { timeout: 600_000 }, async () => {
  const summary = await runChaos(await tinyWorld(), {
    ...{ seconds: 60, clients: 8, seed: randomUUID().slice(0, 8) },
    ...{ folder: temporaryFolder(), note: () => {} },
  });
  expect(isPassed(summary), renderSummary(summary).join('\n')).toBe(true);
  expect(summary.kills).toBeGreaterThan(0);
});
