/** The companion by itself: strengths that do best on train campaigns. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createRng } from '../../src/lib/rng.ts';
import { HEADS } from '../../src/model/metaheac.ts';
import { tuneCompanion } from '../../src/offline/companion.ts';
import { DEFAULT_DESCENT } from '../../src/offline/descent.ts';
import { latentStart } from '../../src/offline/latent-start.ts';
import { buildOneHot } from '../../src/offline/one-hot.ts';
import { PUBLISHED_TRAIN_SETTINGS } from '../../src/offline/settings.ts';
import { openWorkspace, type Workspace } from '../../src/offline/workspace.ts';
import { CAMPAIGNS, writeSmallDataSet } from './small-data-set.ts';

let root = '';
let workspace: Workspace;
let vectors: Float32Array;
beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'metaheac-companion-'));
  workspace = await openWorkspace(writeSmallDataSet(join(root, 'data'), CAMPAIGNS), { pastCampaigns: 'always' });
  vectors = latentStart(buildOneHot(workspace.population, workspace.userFeatures), 32, createRng('latent'));
});
afterAll(() => {
  workspace.close();
  rmSync(root, { recursive: true, force: true });
});

const tune = (of: Float32Array | undefined = vectors) =>
  tuneCompanion(workspace, of, DEFAULT_DESCENT, createRng('tune'));

describe('tuneCompanion', () => {
  it('takes the setting with the best mean AUC of the grid, and leaves the rest of the adaptation', () => {
    const { adaptation, choice } = tune();
    const best = Math.max(...choice!.tried.map(({ auc }) => auc));
    expect(choice!.tried.find(({ setting }) => setting === choice!.setting)!.auc).toBe(best);
    expect(new Set(choice!.tried.map(({ auc }) => auc)).size).toBeGreaterThan(1);
    const { wide, query } = choice!.setting;
    const strengths = { ...(wide && { [HEADS.wide]: wide }), ...(query && { [HEADS.query]: query }) };
    expect(adaptation).toEqual({ ...DEFAULT_DESCENT, companion: { ...DEFAULT_DESCENT.companion, strengths } });
  });

  it('sees nothing in latent vectors of noise: tokens alone are as good or better', () => {
    const rng = createRng('noise');
    const { choice } = tune(vectors.map(() => rng.normal()));
    const aucOf = (wide: number, query: number) =>
      choice!.tried.find(({ setting }) => setting.wide === wide && setting.query === query)!.auc;
    expect(aucOf(0.1, 0)).toBeGreaterThan(aucOf(0, 0.03));
  });

  it('leaves an adaptation without a companion as it is', () => {
    const { companion: _, ...without } = DEFAULT_DESCENT;
    for (const adaptation of [without, PUBLISHED_TRAIN_SETTINGS.adaptation])
      expect(tuneCompanion(workspace, vectors, adaptation, createRng('tune'))).toEqual({ adaptation, choice: null });
    expect(tuneCompanion(workspace, undefined, DEFAULT_DESCENT, createRng('tune')).choice).toBeNull();
  });
});
