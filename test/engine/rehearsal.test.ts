/** What an engine does before the first campaign: a rehearsal, which changes no ranking and gives way to campaigns. */
import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { ThreadPool } from '../../src/engine/pool.ts';
import { rehearsalOn } from '../../src/engine/rehearsal.ts';
import { openPopulation } from '../../src/population/read.ts';
import { tinyWorld } from '../fixture/tiny-world.ts';
import { startRig } from './rig.ts';
import { copyOf, filesOf, MADE_MS, rankingOf } from './user-side-files.ts';

const { model, wide } = await tinyWorld();
const ROOM = 2 ** 30;
const isOfRegression = (name: string) => name.endsWith('.sums');

describe('a rehearsal', () => {
  it('computes what all campaigns need, says when the engine is warm, and changes no ranking', async () => {
    const cold = await startRig({ model, population: wide });
    const expected = await rankingOf(cold);
    await cold.supervisor.stop();

    const population = copyOf(wide, { isBare: true });
    const files = () => readdirSync(join(population, openPopulation(population).version));
    for (const sums of files().filter(isOfRegression))
      rmSync(join(population, openPopulation(population).version, sums));
    const rig = await startRig({ model, population, rehearsedUsers: 1, userSideBytes: ROOM, threads: 2 });
    expect(rig.supervisor.state.heartbeat?.warm ?? false).toBe(false);
    await vi.waitFor(() => expect(rig.supervisor.state.heartbeat?.warm).toBe(true), { timeout: MADE_MS });
    expect([filesOf(population).length, files().filter(isOfRegression).length]).toEqual([2, 1]);
    expect(await rankingOf(rig)).toBe(expected);
  });

  it('ends when a campaign begins', async () => {
    const population = openPopulation(wide);
    const pool = await ThreadPool.open(2, { model, population: wide, device: 'cpu' });
    onTestFinished(() => pool.close());
    const { task, ...rest } = rehearsalOn(population, 0);
    // would take half an hour
    const rehearsal = pool.rehearse({ task, ...rest, segments: new Array(100_000).fill(0) });
    const during = await pool.customise(task, {});
    expect(await rehearsal).toBe(true);
    expect((await pool.customise(task, {})).customised).toEqual(during.customised);
  });
});

describe('a rehearsal that work on another population version ends', () => {
  it('has to be repeated', async () => {
    const pool = await ThreadPool.open(1, { model, population: wide, device: 'cpu' });
    onTestFinished(() => pool.close());
    const { task, scoring, segments } = rehearsalOn(openPopulation(wide), 0);
    const { parameters } = await pool.customise({ ...task, key: 'parameters' }, {});
    const elsewhere = { ...task, populationVersion: 'earlier' };
    await expect(pool.customise(elsewhere, {})).rejects.toThrow('earlier');
    const rehearsal = pool.rehearse({ task, scoring, segments: new Array(100_000).fill(0) });
    await expect(pool.customise(elsewhere, {})).rejects.toThrow('earlier');
    expect(await rehearsal).toBe(false);
    expect(await pool.rehearse({ task, scoring, segments })).toBe(true);
    expect((await pool.score({ ...scoring, parameters, segment: 0 }, {})).scores.length).toBeGreaterThan(0);
  });
});

describe('an expansion', () => {
  it('stores the user sides that it has to make', async () => {
    const population = copyOf(wide, { isBare: true });
    const pool = await ThreadPool.open(1, { model, population, device: 'cpu' });
    onTestFinished(() => pool.close());
    const { task, scoring } = rehearsalOn(openPopulation(population), ROOM);
    const { parameters } = await pool.customise(task, {});
    const score = (userSideBytes: number) => pool.score({ ...scoring, userSideBytes, parameters, segment: 1 }, {});
    const without = await score(0);
    expect(filesOf(population)).toEqual([]);
    expect([await score(ROOM), await score(ROOM)]).toEqual([without, without]);
    expect(filesOf(population)).toHaveLength(1);
  });
});
