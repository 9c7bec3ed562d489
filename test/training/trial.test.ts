/** Trials: the users left to score, and test campaigns. */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { othersThan, testTrials } from '../../src/training/choices/trial.ts';
import { type PreparedDataSet, prepareDataSet } from '../../src/training/history/prepared-data-set.ts';
import { temporaryFolder } from '../fixture/folders.ts';
import { CAMPAIGNS, USERS, writeSmallDataSet } from './small-data-set.ts';

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
