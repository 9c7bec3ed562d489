import { expect, it } from 'vitest';
import { systemClock } from '../../src/lib/clock.ts';
import { openStore } from '../../src/storage/sqlite/open-store.ts';
import { everyoneIsKnown, newCampaign } from '../domain/contract/inputs.ts';
import { temporaryFolder } from '../fixture/folders.ts';
import { HAS_PROC } from '../fixture/processes.ts';
import { describeStuck } from './stuck.ts';

const DAY_MS = 86_400_000;

it.skipIf(!HAS_PROC)('says what a stuck service waits for, also if it does not answer', async () => {
  const dataDir = temporaryFolder();
  const ahead = { now: () => systemClock.now() + 40 * DAY_MS, elapsed: systemClock.elapsed };
  const store = await openStore(dataDir, { clock: ahead, minimumSeeds: 1, leaseMs: 15_000, maximumAttempts: 3 });
  await store.create(newCampaign({ name: 'c0-0' }), everyoneIsKnown);
  store.clock.remember({ now: systemClock.now(), elapsed: systemClock.elapsed(), boot: null }, false);
  await store.close();
  const call = () => Promise.reject(new Error('connection refused'));
  const program = { api: null, engine: process.pid, call, log: 'the last line' };
  const lines = (await describeStuck({ program, dataDir, history: ['12:00:00.000 clock jumps'] })).split('\n');
  const startingWith = (start: string) => lines.find((line) => line.startsWith(start));
  expect(startingWith('status')).toContain('connection refused');
  expect(startingWith('threads of the engine')).toMatch(/ S \d+\+\d+ ticks | R \d+\+\d+ ticks /);
  const job = JSON.parse(startingWith('job')!.slice('job: '.length));
  expect(job).toMatchObject({ name: 'c0-0', state: 'queued', owner: null });
  expect(Number.parseInt(job.runAfter, 10) / DAY_MS).toBeCloseTo(40, 2);
  expect(startingWith('fault')).toBe('fault: 12:00:00.000 clock jumps');
  expect(lines.at(-1)).toBe('the last line');
});
