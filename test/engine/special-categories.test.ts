/** Campaigns of a special category: their rankings do not depend on what the category excludes. */
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { CPU } from '../../packages/onnx-grad/index.ts';
import { findRoles } from '../../src/audience/find-roles.ts';
import { openDataSet } from '../../src/dataset/data-set.ts';
import { generateDataSet } from '../../src/dataset/synthetic/synthetic.ts';
import { withWeights } from '../../src/domain/id-blocks.ts';
import type { Job } from '../../src/domain/types.ts';
import { Checkpoints } from '../../src/engine/expansion/checkpoints.ts';
import { customiseTask } from '../../src/engine/expansion/expansion-users.ts';
import { rankHere } from '../../src/engine/expansion/rank-here.ts';
import { ThreadPool } from '../../src/engine/pool.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { createRng, shuffle } from '../../src/lib/rng.ts';
import type { SpecialCategory } from '../../src/lib/special-categories.ts';
import { Cancellation } from '../../src/lib/threads/cancellation.ts';
import { readModelFolder } from '../../src/model/folder.ts';
import { featureOf } from '../../src/model/manifest.ts';
import { importPopulation } from '../../src/population/import.ts';
import { derivedFeatures, openPopulation } from '../../src/population/read.ts';
import { FileBlobs } from '../../src/storage/open-store.ts';
import { prepareDataSet } from '../../src/training/history/prepared-data-set.ts';
import { DEFAULT_TRAIN_SETTINGS } from '../../src/training/settings.ts';
import { train } from '../../src/training/train.ts';
import { ROOT } from '../architecture/files.ts';
import { temporaryFolder } from '../fixture/folders.ts';
import { jsonLines } from '../fixture/json-lines.ts';
import { valuesOf } from '../fixture/user-values.ts';

const DEMO = join(ROOT, 'models/demo');
const CAMPAIGN = 'campaign-001';
/** The model of the demo, with regressions and their priors, and a tiny one that reads past campaigns. */
const folder = temporaryFolder();
const TINY = join(folder, 'model');
const population = join(folder, 'population');

type Users = { user_id: string; [feature: string]: unknown }[];

/** Imports the data set, after a change, as another version of the population. */
async function importChanged(
  name: string,
  change: { users?: (users: Users) => void; interactions?: (rows: string) => string },
) {
  const data = join(folder, name);
  cpSync(join(folder, 'data'), data, { recursive: true });
  const edit = (file: string, change: (text: string) => string) =>
    writeFileSync(join(data, file), change(readFileSync(join(data, file), 'utf8')));
  edit('users.ndjson', (text) => {
    const users = jsonLines(text) as Users;
    change.users?.(users);
    return users.map((user) => `${JSON.stringify(user)}\n`).join('');
  });
  edit('interactions.csv', change.interactions ?? ((rows) => rows));
  const features = readModelFolder(TINY).manifest.features.user.map(featureOf);
  const derived = await derivedFeatures(openDataSet(data), features);
  return (await importPopulation({ source: data, features, out: population, derived })).version;
}

/** Permutes the values of a feature over all users. */
const permuted = (feature: string) => ({
  users(users: Users) {
    const order = Uint32Array.from(users.keys());
    shuffle(createRng('permutation'), order);
    const values = users.map((user) => user[feature]);
    for (const [i, user] of users.entries()) user[feature] = values[order[i]!];
  },
});

let versions: Record<'own' | 'age' | 'device' | 'campaign' | 'other', string>;
let seeds: Set<string>;

beforeAll(async () => {
  const data = join(folder, 'data');
  await generateDataSet({ out: data, users: 1200, trainCampaigns: 4, testCampaigns: 1, seed: '1', audienceShare: 0.1 });
  const description = join(data, 'dataset.json');
  const { user_features, ...others } = JSON.parse(readFileSync(description, 'utf8'));
  for (const feature of user_features) if (feature.name === 'age_band') feature.excluded_for = ['housing'];
  writeFileSync(description, JSON.stringify({ user_features, ...others }));
  const campaigns = join(data, 'campaigns.ndjson');
  const lines = readFileSync(campaigns, 'utf8').trimEnd().split('\n');
  const labelled = lines.map((line) => {
    const record = JSON.parse(line);
    return JSON.stringify(record.campaign_id === CAMPAIGN ? { ...record, special_categories: ['housing'] } : record);
  });
  writeFileSync(campaigns, `${labelled.join('\n')}\n`);
  const prepared = await prepareDataSet(data, { pastCampaigns: true });
  const tiny = { taskCount: 2, experts: 2, critics: 2, embedding: 4, steps: 2, validationShare: 0 };
  await train(prepared, {
    ...{ out: TINY, settings: { ...DEFAULT_TRAIN_SETTINGS, ...tiny }, device: CPU, clock: systemClock },
    ...{ resume: false, signal: new AbortController().signal },
  });
  prepared.close();
  const rows = readFileSync(join(data, 'interactions.csv'), 'utf8').split('\n');
  seeds = new Set(rows.filter((row) => row.endsWith('1,seed')).map((row) => row.split(',')[1]!));
  const flipped = (campaign: string) => ({
    interactions: (text: string) =>
      text.replaceAll(
        new RegExp(`^(${campaign},.*),([01]),train$`, 'gm'),
        (_, row, label) => `${row},${1 - label},train`,
      ),
  });
  versions = {
    own: await importChanged('own', {}),
    age: await importChanged('age', permuted('age_band')),
    device: await importChanged('device', permuted('device')),
    campaign: await importChanged('campaign', flipped(CAMPAIGN)),
    other: await importChanged('other', flipped('campaign-002')),
  };
});

let attempts = 0;

/** Ranks with a model whose user sides are stored. */
async function startRanking(model: string) {
  const pool = await ThreadPool.open(1, { model, population, device: 'cpu' });
  onTestFinished(() => pool.close());
  const modelVersion = readModelFolder(model).manifest.version;
  const given = { rows: [] as readonly string[], fourFifths: null as string | null };
  return async (version: string, category: SpecialCategory | null, { rows, fourFifths } = given) => {
    const opened = openPopulation(population, { version });
    const sides = { populationVersion: version, maximumBytes: 1e9 };
    await pool.makeUserSide({ kind: 'user-side', segment: 0, ...sides });
    await pool.prepareUserSides({ kind: 'prepare-user-sides', ...sides }, { isBackground: false });
    const pins = { modelVersion, populationVersion: version };
    const job: Job = {
      ...{ id: 'job', campaignId: 'c', expansionId: 'e', attempt: 1, deaths: 0, owner: '', queuedAt: 0 },
      // threads keep the parameters of an attempt by its token
      token: ++attempts,
      ...{ externalId: null, category, fourFifths, features: {}, filters: {}, negativeWeight: 1, pins },
      consentBases: {},
      traceparent: null,
      sets: {
        seeds: '',
        positives: null,
        dismissed: null,
        negatives: null,
        suppression: null,
        commonSuppression: null,
      },
    };
    const outside = withWeights(
      rows.map((_, i) => `x${i}`),
      undefined,
      rows,
    );
    const ids = { seeds: [[[...seeds], outside]], dismissed: [], suppressed: [] };
    const roles = await findRoles(opened, ids, {}, () => {}, category);
    const task = customiseTask(job, modelVersion, opened, roles);
    const blobs = new FileBlobs(temporaryFolder());
    const none = { clock: systemClock, keptWorkMs: 1e9, computedBy: '', hasRoom: () => false };
    const dependencies = { pool, keeper: new Checkpoints({ blobs, ...none }), clock: systemClock };
    const work = { job, pins, population: opened, task, roles, shares: { adapting: 1, reporting: 1, scoring: 1 } };
    const ranked = await rankHere({ ...dependencies, store: { blobs, ranges: null } }, work, new Cancellation(), {
      ...{ mark: { begin() {}, end() {} }, onResumed() {}, onProgress() {}, onScored() {} },
      ...{ onAdapted: async () => {}, onAllScored: async () => {} },
    });
    return { sha256: JSON.stringify(ranked.sha256), fourFifths: ranked.fourFifths, ...ranked.customised };
  };
}

describe('a ranking for a special category', () => {
  it('does not depend on an excluded feature, and says what that costs', async () => {
    const rank = await startRanking(DEMO);
    const { own, age, device } = versions;
    const housing = await rank(own, 'housing');
    expect((await rank(age, 'housing')).sha256).toBe(housing.sha256);
    expect((await rank(device, 'housing')).sha256).not.toBe(housing.sha256);
    const plain = await rank(own, null);
    expect(plain.sha256).not.toBe(housing.sha256);
    expect((await rank(age, null)).sha256).not.toBe(plain.sha256);
    // the prediction with all features, from the same held-out seeds
    expect(housing.unmasked).toMatchObject({ fitting_seeds: plain.prediction!['fitting_seeds'] });
    expect(housing.prediction!['recall']).not.toEqual(housing.unmasked!['recall']);
    expect('unmasked' in plain).toBe(false);
  });

  it('does not depend on an excluded feature of seeds outside the population', async () => {
    const rank = await startRanking(DEMO);
    const own = valuesOf(openPopulation(population, { version: versions.own }), [...seeds]).slice(0, 20);
    const values = own.map((json) => JSON.parse(json));
    const equal = (feature: string) => values.map((user) => JSON.stringify({ ...user, [feature]: values[0][feature] }));
    const taught = (rows: readonly string[]) => ({ rows, fourFifths: null });
    const housing = await rank(versions.own, 'housing', taught(own));
    expect((await rank(versions.own, 'housing', taught(equal('age_band')))).sha256).toBe(housing.sha256);
    expect((await rank(versions.own, 'housing', taught(equal('device')))).sha256).not.toBe(housing.sha256);
    const plain = await rank(versions.own, null, taught(own));
    expect((await rank(versions.own, null, taught(equal('age_band')))).sha256).not.toBe(plain.sha256);
  });

  it('does not depend on past campaigns of the category', async () => {
    const rank = await startRanking(TINY);
    const { own, campaign, other } = versions;
    const housing = await rank(own, 'housing');
    expect((await rank(campaign, 'housing')).sha256).toBe(housing.sha256);
    expect((await rank(other, 'housing')).sha256).not.toBe(housing.sha256);
    const plain = await rank(own, null);
    expect((await rank(campaign, null)).sha256).not.toBe(plain.sha256);
  });

  it('meets the four-fifths rule if the campaign asks for it, and says what that changes', async () => {
    const rank = await startRanking(DEMO);
    const plain = await rank(versions.own, 'housing');
    const fair = await rank(versions.own, 'housing', { rows: [], fourFifths: 'age_band' });
    expect(fair.sha256).not.toBe(plain.sha256);
    expect([plain.fourFifths, fair.fourFifths!.feature]).toEqual([null, 'age_band']);
    const price = fair.fourFifths!.sizes.find(({ share }) => share === 0.2)!;
    expect(price.ratio_before).toBeLessThan(0.8);
    expect(price.ratio).toBeGreaterThanOrEqual(0.8);
  });

  it('is refused if the population has no labels for it', async () => {
    const rank = await startRanking(DEMO);
    await expect(rank(versions.own, 'credit')).rejects.toMatchObject({
      code: 'unlabelled_category',
      facts: { labelled_categories: ['housing'] },
    });
  });
});
