/** Settings that are best alone in grids that are not extended. */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { tuneOnFixedGrids } from '../../../packages/lab/quality/fixed-grids.ts';
import { createRng } from '../../../src/lib/rng.ts';
import { HEADS } from '../../../src/model/architectures/heads.ts';
import { DEFAULT_DESCENT } from '../../../src/training/choices/descent.ts';
import { prepareTrainingData } from '../../../src/training/choices/past-campaigns-choice.ts';
import { openFutures } from '../../../src/training/history/futures.ts';
import type { PreparedDataSet } from '../../../src/training/history/prepared-data-set.ts';
import { latentStart } from '../../../src/training/meta/latent-start.ts';
import { LATENT_SIZE } from '../../../src/training/settings.ts';
import { temporaryFolder } from '../../fixture/folders.ts';
import { CAMPAIGNS, writeSmallDataSet } from '../../training/small-data-set.ts';

let prepared: PreparedDataSet;
let vectors: Float32Array;
beforeAll(async () => {
  const data = writeSmallDataSet(join(temporaryFolder(), 'data'), CAMPAIGNS);
  prepared = await prepareTrainingData(data, { pastCampaigns: 'auto', seed: 1 });
  const { oneHot } = openFutures(prepared, prepared.userFeatures);
  vectors = latentStart(oneHot, LATENT_SIZE, createRng('latent'), 0.5);
});
afterAll(() => prepared.close());

const tunedTo = (strength: number, wide: number) => ({
  ...DEFAULT_DESCENT,
  regression: { ...DEFAULT_DESCENT.regression!, strength },
  companion: { weight: 0.5, strengths: { [HEADS.wide]: wide } },
});

describe('tuneOnFixedGrids', () => {
  it('keeps settings that are in the grids', () => {
    const { regression, companion } = tunedTo(0.15, 0.1);
    expect(tuneOnFixedGrids(prepared, vectors, tunedTo(0.15, 0.1), 1)).toEqual({ regression, companion });
  });

  it('chooses again if settings are outside the grids', () => {
    const { regression, companion } = tuneOnFixedGrids(prepared, vectors, tunedTo(4.5, 9), 1);
    expect([0.005, 0.015, 0.05, 0.15, 0.5]).toContain(regression!.strength);
    expect(regression!.parameter).toBe(HEADS.regression);
    for (const strength of Object.values(companion!.strengths)) expect(strength).toBeLessThanOrEqual(1);
    expect(companion!.weight).toBe(0.5);
  });
});
