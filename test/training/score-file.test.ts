/** Files of scores: measured like any method; every error names its line or campaign. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CPU } from '../../packages/onnx-grad/index.ts';
import { type Trial, testTrials } from '../../src/training/choices/trial.ts';
import { CURVE_SHARES } from '../../src/training/evaluation/curves.ts';
import { measureRanking } from '../../src/training/evaluation/metrics.ts';
import { isScoreFile, scoreMethods } from '../../src/training/evaluation/score-file.ts';
import { type PreparedDataSet, prepareDataSet } from '../../src/training/history/prepared-data-set.ts';
import { temporaryFolder } from '../fixture/folders.ts';
import { CAMPAIGNS, writeSmallDataSet } from './small-data-set.ts';

let root = '';
let prepared: PreparedDataSet;
let trials: Trial[];
let rows: string[];
beforeAll(async () => {
  root = temporaryFolder();
  const seedless = { id: 'skipped', split: 'test', rows: 70, members: 0 } as const;
  prepared = await prepareDataSet(writeSmallDataSet(join(root, 'data'), [...CAMPAIGNS, seedless]));
  trials = testTrials(prepared.history.campaigns);
  rows = trials.flatMap(({ id, evaluation }) => [...evaluation.users].map((user) => `${id},u${user},${scoreOf(user)}`));
});
afterAll(() => {
  prepared.close();
});

/** Scores with ties. */
const scoreOf = (user: number) => (user % 7) / 4 - 0.5;

let files = 0;
function write(lines: readonly string[], name = `scores${files++}.csv`): string {
  const path = join(root, name);
  const text = `${lines.join('\n')}\n`;
  writeFileSync(path, name.endsWith('.gz') ? gzipSync(text) : text);
  return path;
}

const HEADER = 'campaign_id,user_id,score';
const read = (paths: readonly string[], taken: readonly string[] = []) =>
  scoreMethods(paths, prepared.history, prepared.population.directory, trials, new Set(taken));
const OPTIONS = { repeats: 3, seed: 0, device: CPU };

describe('scoreMethods', () => {
  it('measures the scores of a file, plain or gzip, with equal repeats', async () => {
    const shuffled = [...rows].reverse();
    const methods = await read([write([HEADER, ...rows], 'ours.csv'), write([HEADER, ...shuffled], 'theirs.CSV.gz')]);
    expect(methods.map(({ name }) => name)).toEqual(['ours', 'theirs']);
    for (const method of methods) {
      const { qualities } = await method.run(trials, OPTIONS);
      qualities.forEach(({ trial, repeats }, i) => {
        const { users, labels } = trials[i]!.evaluation;
        const expected = measureRanking(users, Float64Array.from(users, scoreOf), labels, CURVE_SHARES);
        expect(trial).toBe(trials[i]);
        expect(repeats).toEqual([expected, expected, expected]);
      });
    }
  });

  it('ignores what is not measured: seeds, train campaigns, skipped campaigns, empty lines', async () => {
    const more = ['t0,u0,9', 't0,u0,9', 'c0,u3,1e3', 'skipped,u5,-.5', ''];
    const [method] = await read([write([HEADER, ...more, ...rows])]);
    const [plain] = await read([write([HEADER, ...rows])]);
    expect(await method!.run(trials, OPTIONS)).toEqual(await plain!.run(trials, OPTIONS));
  });

  it.each([
    ['a campaign that is not there', 'nowhere,u1,1', /csv:2: campaign "nowhere" is not in campaigns\.ndjson$/],
    ['a user who is not there', 't0,stranger,1', /csv:2: user "stranger" is not in users\.ndjson$/],
    ['an empty score', 't0,u1,', /csv:2: the score is ""; a finite number is expected$/],
    ['a score that a double cannot hold', 't0,u1,1e999', /csv:2: the score is "1e999"; a finite/],
    ['a row of two fields', 't0,u1', /csv:2: the row has 2 fields, but 3 are expected$/],
  ])('refuses %s', async (_, line, message) => {
    await expect(read([write([HEADER, line, ...rows])])).rejects.toMatchObject({
      code: 'invalid_data',
      message: expect.stringMatching(message),
    });
  });

  it('refuses a second score of one user in one campaign', async () => {
    await expect(read([write([HEADER, ...rows, rows[3]!])])).rejects.toMatchObject({
      code: 'invalid_data',
      message: expect.stringMatching(
        new RegExp(`csv:${rows.length + 2}: user "u\\d+" already has a score for campaign "t0"$`),
      ),
    });
  });

  it('refuses missing scores, with the campaign and their number', async () => {
    const path = write([HEADER, ...rows.slice(2, -1)]);
    await expect(read([path])).rejects.toMatchObject({
      code: 'invalid_data',
      message:
        `${path}: campaign "t0" lacks the scores of 2 of 70 users, and so do 1 other test campaigns: ` +
        'every eval row of every test campaign needs a score',
      details: [
        { pointer: path, message: 'campaign "t0" lacks 2 of 70 scores', value: 't0' },
        { pointer: path, message: 'campaign "t1" lacks 1 of 70 scores', value: 't1' },
      ],
    });
    await expect(read([write([HEADER])])).rejects.toThrow(/"t0" lacks the scores of 70 of 70 users, and/);
  });

  it('refuses a name that another method has, and a file without one', async () => {
    const path = write([HEADER, ...rows], 'random.csv');
    await expect(read([path], ['metaheac', 'random'])).rejects.toMatchObject({
      code: 'invalid_argument',
      message: `${path} would be measured as "random", the name of another method: rename the file`,
    });
    mkdirSync(join(root, 'other'));
    const same = write([HEADER, ...rows], 'other/random.csv.gz');
    await expect(read([path, same])).rejects.toMatchObject({ code: 'invalid_argument' });
    await expect(read([write([HEADER, ...rows], '.csv')])).rejects.toThrow(/has no name before its extension/);
  });
});

describe('isScoreFile', () => {
  it('recognises files by their names, whether or not they exist, and no folders', () => {
    mkdirSync(join(root, 'model.csv'));
    expect(['a.csv', 'a.csv.gz', 'a/b.CSV', 'model', join(root, 'model.csv')].map(isScoreFile)).toEqual([
      true,
      true,
      true,
      false,
      false,
    ]);
  });
});
