/** An engine that hangs is replaced, and one that is only slow is not: with real processes and signals. */
import { spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { systemClock } from '../../src/lib/clock.ts';
import { temporaryFolder } from '../fixture/folders.ts';
import { freeze, groupOf, HAS_PROC, isAlive } from '../fixture/processes.ts';
import { Served } from '../fixture/served.ts';
import { IS_LONG } from '../fixture/size.ts';
import { tinyWorld } from '../fixture/tiny-world.ts';

const world = await tinyWorld();
const { features, seeds } = world.campaigns[0]!;
/** From the stop to the ranking: the engine is killed after 10 s, and the next one has to start. */
const REPLACED_MS = 30_000;
/** Longer than each limit of `EngineWatch` for an engine that has started: 10, 15 and 20 s. */
const LONG_MS = 22_000;
/** Several looks of `EngineWatch`: it would count the time of the stop at the first one. */
const LOOKS_MS = 4_000;
/** On one processor: other tests keep the others. */
const ON_ONE = ['taskset', '--cpu-list', '0'] as const;
/** A load for a minute at most, with the priority of tests and engines. */
const BUSY = [...ON_ONE.slice(1), 'sh', '-c', 'ulimit -t 60; while :; do :; done'];

describe.skipIf(!HAS_PROC)('an engine', () => {
  // they wait most of the time, so they run in parallel
  const long = { timeout: 300_000, concurrent: true };

  it('that is stopped is replaced within 30 s by one that expands', long, async ({ onTestFinished }) => {
    const served = await Served.start({ ...world, dataDir: temporaryFolder() }, onTestFinished);
    const hung = served.engine;
    const start = systemClock.elapsed();
    freeze(hung);
    expect((await served.ended(await served.create({ features, seeds }))).state).toBe('ready');
    expect(systemClock.elapsed() - start).toBeLessThan(REPLACED_MS);
    expect(isAlive(hung)).toBe(false);
    const lastEnd = 'the engine has been stopped for 10 s';
    expect((await served.call('GET', '/v1/status')).json.engine).toMatchObject({
      restarts: 1,
      hung: 1,
      last_end: lastEnd,
    });
  });

  it.runIf(IS_LONG)('goes on after its whole group was stopped', long, async ({ onTestFinished }) => {
    const served = await Served.start({ ...world, dataDir: temporaryFolder() }, onTestFinished);
    const { engine } = served;
    const pids = groupOf(served.group);
    for (const signal of ['SIGSTOP', 'SIGCONT'] as const) {
      for (const pid of pids) process.kill(pid, signal);
      await sleep(signal === 'SIGSTOP' ? LONG_MS : LOOKS_MS);
    }
    expect((await served.ended(await served.create({ features, seeds }))).state).toBe('ready');
    expect(served.engine).toBe(engine);
    expect(served.log).not.toContain('engine hangs');
  });

  it.runIf(IS_LONG)('is not taken to hang at a load of 16', long, async ({ onTestFinished }) => {
    const served = await Served.start({ ...world, dataDir: temporaryFolder(), within: ON_ONE }, onTestFinished);
    const { engine } = served;
    const busy = Array.from({ length: 16 }, () => spawn(ON_ONE[0], BUSY));
    onTestFinished(() => {
      for (const each of busy) each.kill('SIGKILL');
    });
    const end = systemClock.elapsed() + LONG_MS;
    while (systemClock.elapsed() < end)
      expect((await served.ended(await served.create({ features, seeds }))).state).toBe('ready');
    for (const each of busy) each.kill('SIGKILL');
    await served.until(async () => (await served.call('GET', '/readyz')).status === 200, 'is ready');
    expect(served.engine).toBe(engine);
    expect((await served.call('GET', '/v1/status')).json.engine).toMatchObject({
      hung: 0,
      restarts: 0,
      last_end: null,
    });
  });
});
