/** Trials: simulated seed sets, and the users left to score. */
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createRng } from '../../src/lib/rng.ts';
import { othersThan, simulateTrial, testTrials } from '../../src/training/choices/trial.ts';
import type { CampaignHistory } from '../../src/training/history/history.ts';
import { type PreparedDataSet, prepareDataSet } from '../../src/training/history/prepared-data-set.ts';
import { temporaryFolder } from '../fixture/folders.ts';
import { CAMPAIGNS, USERS, writeSmallDataSet } from './small-data-set.ts';

const campaignOf = (users: readonly number[], labels: readonly number[]): CampaignHistory => ({
  id: 'c',
  features: { topic: 'a' },
  split: 'train',
  group: null,
  train: { users: Int32Array.from(users), labels: Uint8Array.from(labels) },
  seeds: new Int32Array(0),
  evaluation: { users: new Int32Array(0), labels: new Uint8Array(0) },
});

describe('simulateTrial', () => {
  it('takes some members as seeds, at most half of them, and measures on the rows of all others', () => {
    const users = Array.from({ length: 30 }, (_, i) => 5 * i);
    const campaign = campaignOf(
      users,
      users.map((_, i) => (i < 9 ? 1 : 0)),
    );
    for (const [count, size] of [
      [3, 3],
      [100, 4],
    ] as const) {
      const trial = simulateTrial(campaign, count, createRng('t'))!;
      expect(trial).toMatchObject({ id: 'c', features: { topic: 'a' }, group: null });
      expect(trial.seeds.length).toBe(size);
      expect([...trial.seeds].every((user) => user < 45)).toBe(true);
      expect([...trial.seeds].sort((a, b) => a - b)).toEqual([...trial.seeds]);
      expect(trial.evaluation.users.length).toBe(30 - size);
      trial.evaluation.users.forEach((user, i) => {
        expect(trial.seeds.includes(user)).toBe(false);
        expect(trial.evaluation.labels[i]).toBe(user < 45 ? 1 : 0);
      });
    }
  });

  it('is fixed by its stream', () => {
    const users = Array.from({ length: 40 }, (_, i) => i);
    const campaign = campaignOf(
      users,
      users.map((i) => i % 2),
    );
    const sample = (key: string) => simulateTrial(campaign, 5, createRng(key));
    expect(sample('a')).toEqual(sample('a'));
    expect(sample('a')).not.toEqual(sample('b'));
  });

  it.each<[string, CampaignHistory]>([
    ['has one member', campaignOf([1, 2, 3], [1, 0, 0])],
    ['has members only', campaignOf([1, 2, 3, 4], [1, 1, 1, 1])],
    ['has one member in many rows', campaignOf([1, 1, 1, 1, 2, 3], [1, 1, 1, 1, 0, 0])],
  ])('is null when a campaign %s', (_, campaign) => {
    expect(simulateTrial(campaign, 10, createRng('t'))).toBeNull();
  });

  it('is null, or has seeds and can be measured, whatever the rows', () => {
    const rows = fc.array(fc.tuple(fc.nat(8), fc.nat(1)), { minLength: 1, maxLength: 30 });
    fc.assert(
      fc.property(rows, fc.integer({ min: 1, max: 6 }), fc.string(), (list, count, key) => {
        const campaign = campaignOf(
          list.map(([user]) => user),
          list.map(([, label]) => label),
        );
        const trial = simulateTrial(campaign, count, createRng(key));
        if (trial === null) return;
        const { seeds, evaluation } = trial;
        expect(seeds.length).toBeGreaterThan(0);
        expect(new Set(seeds).size).toBe(seeds.length);
        expect(new Set(evaluation.labels).size).toBe(2);
        expect([...evaluation.users].some((user) => seeds.includes(user))).toBe(false);
      }),
    );
  });
});

describe('with a prepared data set', () => {
  let root = '';
  let prepared: PreparedDataSet;
  beforeAll(async () => {
    root = temporaryFolder();
    prepared = await prepareDataSet(writeSmallDataSet(join(root, 'data'), CAMPAIGNS));
  });
  afterAll(() => {
    prepared.close();
  });

  it('othersThan returns all other rows, ascending', () => {
    const { population } = prepared;
    expect([...othersThan(population, Int32Array.of(0, 5, 89))]).toEqual(
      Array.from({ length: USERS }, (_, i) => i).filter((row) => ![0, 5, 89].includes(row)),
    );
    expect(othersThan(population, new Int32Array(0)).length).toBe(USERS);
  });

  it('testTrials are the test campaigns with their groups', () => {
    const trials = testTrials(prepared.history.campaigns);
    expect(trials.map(({ id, group, seeds }) => [id, group, seeds.length])).toEqual([
      ['t0', 'small', 10],
      ['t1', 'large', 18],
    ]);
  });
});
