/** The auxiliary logistic regression by itself: the strengths that are best on train campaigns. */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createRng } from '../../src/lib/rng.ts';
import { HEADS } from '../../src/model/architectures/heads.ts';
import { scorerOf } from '../../src/training/baselines/baselines.ts';
import {
  logisticRegressionMethod,
  tuneLogisticRegression,
} from '../../src/training/baselines/tune-logistic-regression.ts';
import { DEFAULT_DESCENT } from '../../src/training/choices/descent.ts';
import { chooseSetting } from '../../src/training/choices/tuning.ts';
import { measureRanking } from '../../src/training/evaluation/metrics.ts';
import { type Futures, openFutures } from '../../src/training/history/futures.ts';
import type { OneHot } from '../../src/training/history/one-hot.ts';
import { type PreparedDataSet, prepareDataSet } from '../../src/training/history/prepared-data-set.ts';
import { latentStart } from '../../src/training/meta/latent-start.ts';
import { PUBLISHED_TRAIN_SETTINGS } from '../../src/training/settings.ts';
import { temporaryFolder } from '../fixture/folders.ts';
import { isPlantedMember, plantOneHot } from './planted.ts';
import { CAMPAIGNS, writeSmallDataSet } from './small-data-set.ts';

let root = '';
let prepared: PreparedDataSet;
let futures: Futures;
let vectors: Float32Array;
beforeAll(async () => {
  root = temporaryFolder();
  prepared = await prepareDataSet(writeSmallDataSet(join(root, 'data'), CAMPAIGNS), { pastCampaigns: true });
  futures = openFutures(prepared, prepared.userFeatures);
  vectors = latentStart(futures.oneHot, 32, createRng('latent'));
});
afterAll(() => {
  prepared.close();
});

const tune = (of: Float32Array | undefined = vectors) =>
  tuneLogisticRegression(futures, of, DEFAULT_DESCENT, createRng('tune'));

describe('tuneCompanion', () => {
  it('takes the setting that the evidence favours, and leaves the rest of the adaptation', () => {
    const { adaptation, choice } = tune();
    const open = (oneHot: OneHot) => logisticRegressionMethod(oneHot, vectors, [HEADS.wide, HEADS.query]);
    expect(choice).toEqual(chooseSetting(open, futures, createRng('tune'), 'evidence'));
    expect(choice!.campaigns).toBeGreaterThan(0);
    expect(new Set(choice!.tried.map(({ auc }) => auc)).size).toBeGreaterThan(1);
    const { wide, query } = choice!.setting;
    const strengths = { ...(wide && { [HEADS.wide]: wide }), ...(query && { [HEADS.query]: query }) };
    expect(adaptation).toEqual({ ...DEFAULT_DESCENT, companion: { ...DEFAULT_DESCENT.companion, strengths } });
  });

  it('sees nothing in latent vectors that are the same for all tokens', () => {
    const { choice } = tune(vectors.map((_, i) => vectors[i % 32]!));
    const aucOf = (wide: number, query: number) =>
      choice!.tried.find(({ setting }) => setting.wide === wide && setting.query === query)!.auc;
    expect(aucOf(0.1, 0)).toBeGreaterThan(aucOf(0, 0.03) + 0.2);
  });

  it('does not change an adaptation without a logistic regression', () => {
    const { companion: _, ...without } = DEFAULT_DESCENT;
    for (const adaptation of [without, PUBLISHED_TRAIN_SETTINGS.adaptation])
      expect(tuneLogisticRegression(futures, vectors, adaptation, createRng('tune'))).toEqual({
        adaptation,
        choice: null,
      });
    expect(tuneLogisticRegression(futures, undefined, DEFAULT_DESCENT, createRng('tune')).choice).toBeNull();
  });
});

const oneHot = plantOneHot();
const planted = latentStart(oneHot, 32, createRng('vectors'));
const methodOf = (...parameters: string[]) => logisticRegressionMethod(oneHot, planted, parameters);

describe('companionMethod', () => {
  it('finds members by tokens, by latent vectors, and by both', () => {
    const seeds = oneHot.users.filter((user) => isPlantedMember(user) && user < 200);
    const others = oneHot.users.filter((user) => user >= 200);
    const labels = Uint8Array.from(others, (user) => (isPlantedMember(user) ? 1 : 0));
    const method = methodOf(HEADS.wide, HEADS.query);
    for (const setting of [
      { wide: 0.1, query: 0 },
      { wide: 0, query: 0.03 },
      { wide: 0.02, query: 0.03 },
    ]) {
      const score = scorerOf(method, setting, seeds, createRng('draws'));
      expect(measureRanking(others, score(others), labels).auc, JSON.stringify(setting)).toBeGreaterThan(0.8);
    }
  });

  it('tries strengths of the given parameters only', () => {
    expect(methodOf(HEADS.wide, HEADS.query).grid).toHaveLength(9);
    expect(methodOf(HEADS.wide).grid.map(({ query }) => query)).toEqual([0, 0, 0, 0, 0]);
    expect(methodOf(HEADS.query).grid).toEqual([{ wide: 0, query: 0.03 }]);
    expect(methodOf(HEADS.query).fallback).toEqual({ wide: 0, query: 0.03 });
  });

  it('treats parameters without strengths as a bug', () => {
    expect(() => methodOf(HEADS.bias)).toThrow(/heads\.bias/);
  });
});
