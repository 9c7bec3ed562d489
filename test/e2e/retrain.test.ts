/** From the campaigns that a running service has: a model, and a daily retraining that promotes it or refuses to. */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { describeDecision } from '../../src/cli/commands/training/retrain.ts';
import { tryFileLock } from '../../src/lib/files/file-lock.ts';
import { createRng } from '../../src/lib/rng.ts';
import { readModelFolder } from '../../src/model/folder.ts';
import { temporaryFolder } from '../fixture/folders.ts';
import { program } from '../fixture/program.ts';
import { ROOT } from '../fixture/served.ts';
import { type StartedService, startReadyService } from '../fixture/start-service.ts';
import { changeManifest } from '../model/tiny-model.ts';
import { populationOf } from '../online/world.ts';

const USERS = 600;
const CROWDS = 6;
const CAMPAIGNS = 12;
/** A small model: what is tested is what happens to it. */
const SMALL = '--steps 2 --task-count 2 --num-expert 2 --num-output 2 --embedding 4 --threads 1'.split(' ');

const MEASURE = { kept: 0.7, spread: 0.2, quantile: 1.9 };
/** Of past campaigns with dates, which the first model was trained on. */
const DRIFT = {
  data: 'orders',
  campaigns: 9,
  from: '2025-01-01T00:00:00.000Z',
  until: '2025-12-01T00:00:00.000Z',
  by_seeds: [{ seeds: 40, campaigns: 9, recall: MEASURE, auc: MEASURE }],
};

const root = temporaryFolder();
const [dataDir, models, first] = ['data', 'models', 'first'].map((name) => join(root, name)) as [
  string,
  string,
  string,
];
let population = '';
let service: StartedService;

function metaheac(...args: string[]) {
  const command = [program(), ...args];
  const { status, stdout, stderr } = spawnSync(process.execPath, command, { cwd: ROOT, encoding: 'utf8' });
  return { status, stdout, stderr };
}

const retrain = (...more: string[]) =>
  metaheac('retrain', '--data-dir', dataDir, '--population', population, '--models', models, ...SMALL, ...more);

/** A campaign that people of one crowd like, most of them: its seeds are 40 of these and 5 of anybody. */
async function runCampaign(i: number): Promise<void> {
  const rng = createRng(`campaign/${i}`);
  const crowd = Array.from({ length: USERS / CROWDS }, (_, j) => j * CROWDS + (i % CROWDS));
  const ids = [...crowd.slice(0, 40), ...Array.from({ length: 5 }, () => rng.integer(USERS))];
  const seeds = ids.map((user) => `u${user}`);
  const body = { name: `c${i}`, seeds, audience: { size: 50 } };
  const { id, state } = await service.ended((await service.call('POST', '/v1/campaigns', body)).json.id);
  expect(state).toBe('ready');
  await service.call('POST', `/v1/campaigns/${id}/feedback`, {
    events: [
      { user_id: `u${crowd[50]}`, event: 'conversion' },
      { user_id: `u${crowd[51]! + 1}`, event: 'dismissal' },
    ],
  });
}

beforeAll(async () => {
  const rng = createRng('people');
  const people = Array.from({ length: USERS }, (_, i) => ({
    user_id: `u${i}`,
    likes: Array.from(
      { length: 4 },
      () => `like ${rng.uniform() < 0.7 ? i % CROWDS : rng.integer(CROWDS)}.${rng.integer(5)}`,
    ),
  }));
  population = (await populationOf(root, people, [{ name: 'likes', kind: 'multi' }])).path;
  // a recipe that needs more than two steps
  const options = ['--self-supervised', '--recipe', 'published', '--out', first, ...SMALL];
  const trained = metaheac('train', '--population', population, ...options);
  expect(trained.stderr).toContain('tokens of likes serve as campaigns');
  changeManifest(first, (manifest) => {
    manifest['drift'] = DRIFT;
  });
  service = await startReadyService({ dataDir, model: first, population });
}, 120_000);
afterAll(async () => {
  await service.close();
});

describe('with too few campaigns', () => {
  it('train and retrain say how many campaigns are missing and what to do, and write nothing', async () => {
    await runCampaign(0);
    const out = join(root, 'none');
    const trained = metaheac('train', '--from-service', dataDir, '--population', population, '--out', out, ...SMALL);
    expect(trained.status).toBe(1);
    expect(trained.stderr).toMatch(/has 1 campaigns .*, but 5 are needed\. .*--self-supervised/);
    expect(existsSync(out)).toBe(false);
    const result = retrain('--model', first);
    expect(result.status).toBe(1);
    expect(result.stderr).toMatch(/has 1 campaigns .*, but 10 are needed\. .*--self-supervised/);
    expect(readdirSync(models).filter((name) => name !== 'training.lock')).toEqual([]);
  });
});

describe('with the campaigns of a running service', { timeout: 240_000 }, () => {
  beforeAll(async () => {
    for (let i = 1; i < CAMPAIGNS; i++) await runCampaign(i);
  }, 120_000);

  it('train makes a model and holds out the newest campaigns', () => {
    const out = join(root, 'from-service');
    const { status, stderr } = metaheac(
      ...['train', '--from-service', dataDir, '--population', population, '--out', out, ...SMALL],
    );
    expect(stderr).toContain(`${USERS} users, ${CAMPAIGNS} train campaigns`);
    expect(stderr).toMatch(/drift is not measured: .*; predictions will assume that later members resemble the seeds/);
    expect(status).toBe(0);
    const { manifest } = readModelFolder(out);
    expect(manifest.evaluation!.campaigns).toMatch(/^2 train campaigns that were held out/);
    expect(manifest.drift).toBeUndefined();
    expect(manifest.training).toMatchObject({ campaigns: CAMPAIGNS, campaigns_until: expect.any(String) as string });
  });

  it('retrain promotes a model that is not worse, and refuses a worse model', () => {
    const promoted = retrain('--model', first, '--json');
    expect(promoted.status).toBe(0);
    expect(promoted.stderr).toMatch(/drift is not measured: .* of the serving model, measured on 9 campaigns/);
    const decision = JSON.parse(promoted.stdout);
    expect(decision).toMatchObject({
      promoted: true,
      reason: 'not_worse',
      trained_on: CAMPAIGNS - 5,
      held_out: 5,
      known_to_serving: 0,
      serving: { path: first },
      comparison: { campaigns: 5, isWorse: false },
    });
    expect(decision.comparison.fresh.auc).toBeGreaterThan(0.8);
    const version = readlinkSync(join(models, 'current'));
    expect(decision.fresh).toEqual({ path: join(models, version), version });
    const serving = readModelFolder(join(models, 'current'));
    expect(serving.manifest.drift).toEqual(DRIFT);

    const text = describeDecision(decision, dataDir);
    expect(text).toContain(`  metaheac model promote ${join(models, version)} --data-dir ${dataDir} --url http`);

    const refused = retrain('--recipe', 'published', '--model', join(root, 'from-service'));
    expect(refused.status).toBe(3);
    expect(refused.stdout).toContain(`trained on ${CAMPAIGNS - 5} campaigns; the newest 5 are held out`);
    expect(refused.stdout).toContain(
      'the serving model was trained on 5 held-out campaigns, which favours the serving model',
    );
    expect(refused.stdout).toMatch(
      /difference between the new and the serving model per campaign .*: AUC -0\.\d{4} \[-0\.\d{4}, -0\.\d{4}\]/,
    );
    expect(refused.stdout).toMatch(/not promoted: the new model, in .*rejected, is worse, so .* stays current/);
    expect(readlinkSync(join(models, 'current'))).toBe(version);
    expect(readModelFolder(join(models, 'current')).manifest).toEqual(serving.manifest);
    expect(readModelFolder(join(models, 'rejected')).manifest.training).toMatchObject({ recipe: 'published' });

    const again = retrain('--json');
    expect(again.status).toBe(3);
    expect(JSON.parse(again.stdout)).toMatchObject({ promoted: false, reason: 'unchanged', comparison: null });
  });

  it('retrain does not wait for another training run', () => {
    const release = tryFileLock(join(models, 'training.lock'))!;
    const { status, stderr } = retrain('--model', first);
    release();
    expect([status, stderr]).toEqual([1, expect.stringMatching(/another training run is using .*: try again/)]);
  });
});
