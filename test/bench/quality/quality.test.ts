/** The quality benchmark on a data set of 90 users: parts, what is kept of them, and what it refuses. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadModel } from '../../../src/model/load.ts';
import { HEADS, LATENT_TABLE } from '../../../src/model/metaheac.ts';
import { CAMPAIGNS, writeSmallDataSet } from '../../offline/small-data-set.ts';
import { benchQuality } from '../quality.bench.ts';

let root = '';
let data = '';
const parts = 'no-past-campaigns,no-latent-term,no-cut';
const run = async (...args: string[]) => {
  const notes: string[] = [];
  const [page] = await benchQuality(
    ['--data', data, '--steps', '1', '--repeats', '1', '--work', join(root, 'work'), ...args],
    (line) => notes.push(line),
  );
  return { page: page!, notes };
};

beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'metaheac-quality-'));
  data = writeSmallDataSet(join(root, 'data'), CAMPAIGNS);
});
afterAll(() => rmSync(root, { recursive: true }));

// trainings: a busy machine takes its time
describe('benchQuality', { timeout: 180_000 }, () => {
  it('leaves out what an ablation says, and keeps what is done', async () => {
    const { page, notes } = await run('--only', parts);
    expect(page).toContain('| without ');
    for (const title of ['past campaigns', 'the latent term', 'the cut']) expect(page).toContain(`| ${title} `);
    expect(page).not.toContain(root);
    expect(notes.length).toBeGreaterThan(4);

    const modelOf = (name: string) => loadModel(join(root, 'work', 'small', `model-${name}`));
    const isZero = (values: ArrayLike<number | bigint>) => Array.from(values).every((x) => Number(x) === 0);
    const latent = await modelOf('no-latent-term');
    expect(isZero(latent.graph.initializers.get(LATENT_TABLE)!.data)).toBe(true);
    expect([...latent.adapted].sort()).toEqual([HEADS.bias, HEADS.wide]);
    const past = await modelOf('no-past-campaigns');
    expect(past.manifest.features.user).toHaveLength(2);
    const reference = await modelOf('reference');
    expect(reference.manifest.features.user).toHaveLength(3);
    expect(reference.manifest.training).toMatchObject({ adaptation_choice: null, final_steps: 0 });

    const again = await run('--only', parts);
    expect(again).toEqual({ page, notes: [] });
  });

  it('tells what was done before beside what is asked for, and fills the tables of a page', async () => {
    const out = join(root, 'page.md');
    writeFileSync(out, 'Mine.\n\n<!-- table: curve -->\n<!-- end of table -->\n');
    const { page } = await run('--only', 'curve', '--out', out);
    expect(page).toContain('| the cut ');
    expect(readFileSync(out, 'utf8')).toMatch(/^Mine\.\n\n<!-- table: curve -->\n\n\*\*small\*\*\n\n\| seeds /);
  });

  it.each([
    [['--only', 'no-luck'], /no part is called no-luck: there are main, no-meta-learning/],
    [['--steps', '0'], /0 is not a whole number/],
    [['--what'], /--what/],
  ])('refuses %j', async (args, message) => {
    await expect(run(...args)).rejects.toMatchObject({
      code: 'invalid_argument',
      message: expect.stringMatching(message),
    });
  });

  it('refuses to run without a data set', async () => {
    await expect(benchQuality([], () => {})).rejects.toMatchObject({ code: 'invalid_argument' });
  });
});
