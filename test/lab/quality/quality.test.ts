/** The quality benchmark on a data set of 90 users: parts, stored results, and refusals. */
import { appendFileSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { openPartStore } from '../../../packages/lab/quality/part-store.ts';
import { runQuality } from '../../../packages/lab/quality/run.ts';
import { openDataSet } from '../../../src/dataset/data-set.ts';
import { HEADS, LATENT_TABLE } from '../../../src/model/architectures/heads.ts';
import { loadModel } from '../../../src/model/load.ts';
import { temporaryFolder } from '../../fixture/folders.ts';
import { CAMPAIGNS, writeSmallDataSet } from '../../training/small-data-set.ts';
import { reportOf } from './reports.ts';

let root = '';
let data = '';
const parts = 'no-past-campaigns,no-latent-term,no-cut';
const run = async (...args: string[]) => {
  const notes: string[] = [];
  const [page] = await runQuality(
    ['--data', data, '--steps', '1', '--repeats', '1', '--work', join(root, 'work'), ...args],
    (line) => notes.push(line),
  );
  return { page: page!, notes };
};

beforeAll(() => {
  root = temporaryFolder();
  data = writeSmallDataSet(join(root, 'data'), CAMPAIGNS, { tagged: false });
});

// trainings: a busy machine takes its time
describe('runQuality', { timeout: 180_000 }, () => {
  it('leaves out what an ablation says, and stores finished parts', async () => {
    const { page, notes } = await run('--only', parts);
    expect(page).toContain('| without ');
    for (const title of ['past campaigns', 'the latent term', 'the cut']) expect(page).toContain(`| ${title} `);
    expect(page).not.toContain(root);
    expect(notes.length).toBeGreaterThan(4);

    const modelOf = (name: string) => loadModel(join(root, 'work', 'small', `model-${name}`));
    const isZero = (values: ArrayLike<number | bigint>) => Array.from(values).every((x) => Number(x) === 0);
    const latent = await modelOf('no-latent-term');
    expect(isZero(latent.graph.initializers.get(LATENT_TABLE)!.data)).toBe(true);
    expect([...latent.adapted].sort()).toEqual([HEADS.bias, HEADS.regression, HEADS.scale, HEADS.wide]);
    const past = await modelOf('no-past-campaigns');
    expect(past.manifest.features.user).toHaveLength(2);
    const reference = await modelOf('reference');
    expect(reference.manifest.features.user).toHaveLength(3);
    expect(reference.manifest.training).toMatchObject({ adaptation_choice: null, final_steps: 0 });

    const again = await run('--only', parts);
    expect(again).toEqual({ page, notes: [] });
  });

  it('shows stored results with those requested, and fills the tables of a page', async () => {
    const out = join(root, 'page.md');
    writeFileSync(out, 'Mine.\n\n<!-- table: ablations -->\n<!-- end of table -->\n');
    const { page } = await run('--only', 'fixed-steps', '--out', out);
    expect(page).toContain('| the cut ');
    expect(readFileSync(out, 'utf8')).toMatch(/^Mine\.\n\n<!-- table: ablations -->\n\n\| without /);
    const [kept] = await runQuality(['--work', join(root, 'work')], () => {});
    expect(kept).toBe(page);
  });

  it('runs generated scenarios by name in the work folder, and skips those with stored results', async () => {
    const work = join(root, 'scenarios');
    const report = { ...reportOf({ metaheac: { auc: 0.8, precision: 0.2 } }), seconds: {}, seconds_per_campaign: 1 };
    const training = { steps: 1, bestStep: 1, finalSteps: 1, seconds: 7, adaptation: { optimiser: 'adam' } };
    const main = { users: 4000, trainCampaigns: 40, pastCampaigns: true, training, published: null };
    openPartStore(join(work, 'bands')).keep(
      'main',
      { steps: 1, repeats: 1, published: false },
      { ...main, report: { ...report, groups: report.methods['metaheac'] }, prediction: { groups: {} } },
    );
    const asked = ['--work', work, '--only', 'main', '--no-published', '--steps', '1', '--repeats', '1'];
    const notes: string[] = [];
    const [page] = await runQuality([...asked, '--scenarios', 'bands'], (line) => notes.push(line));
    expect(notes).toEqual([]);
    expect(page).toMatch(/^\| bands +\| 4,000 /m);
    expect(openDataSet(join(work, 'bands', 'data')).name).toBe('bands');

    // results of a scenario that had other data then
    appendFileSync(join(work, 'bands', 'data', 'interactions.csv'), 'campaign-001,user-00001,1,train\n');
    await expect(runQuality([...asked, '--scenarios', 'bands'], () => {})).rejects.toMatchObject({
      code: 'invalid_argument',
      message: expect.stringContaining('results for a different data set'),
    });
    expect(readdirSync(join(work, 'bands')).sort()).toEqual(['data', 'main.json']);
  });

  it.each([
    [['--scenarios', 'round'], /unknown scenario round: use one of few-tokens, /],
    [['--derive', 'twice'], /--derive twice is not supported/],
    [['--derive', 'once'], /--out/],
    [['--only', 'no-luck'], /unknown part no-luck: use one of main, no-meta-learning/],
    [['--steps', '0'], /0 is not a whole number/],
    [['--what'], /--what/],
  ])('refuses %j', async (args, message) => {
    await expect(run(...args)).rejects.toMatchObject({
      code: 'invalid_argument',
      message: expect.stringMatching(message),
    });
  });

  it('refuses to run without a data set, and to read a folder that does not exist', async () => {
    for (const args of [[], ['--work', join(root, 'nowhere')]])
      await expect(runQuality(args, () => {})).rejects.toMatchObject({ code: 'invalid_argument' });
  });
});
