/** The lab's commands, called as a user would. */
import { execFile } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, it } from 'vitest';
import { runPredictions } from '../../packages/lab/predictions/command.ts';
import { runScenario, SCENARIO_NAMES } from '../../packages/lab/scenarios/catalogue.ts';
import { CPU } from '../../packages/onnx-grad/index.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { prepareDataSet } from '../../src/training/history/prepared-data-set.ts';
import { train } from '../../src/training/train.ts';
import { temporaryFolder } from '../fixture/folders.ts';
import { CAMPAIGNS, SMALL_SETTINGS, writeSmallDataSet } from '../training/small-data-set.ts';

const ROOT = join(import.meta.dirname, '../..');
let root = '';
beforeAll(() => {
  root = temporaryFolder();
});

describe('npm run lab -- scenario', () => {
  it('writes a data set, and describes it', async () => {
    const out = join(root, 'bands');
    expect(await runScenario(['bands', '--out', out])).toEqual([
      `${out}: 4000 synthetic users, 40 train campaigns, 24 test campaigns`,
      expect.stringMatching(/^Users have eight numbers/),
    ]);
    expect(readdirSync(out).sort()).toEqual(['campaigns.ndjson', 'dataset.json', 'interactions.csv', 'users.ndjson']);
    await expect(runScenario(['bands', '--out', out])).rejects.toThrow(`${out} already exists`);
  });

  it.each([
    [['round'], `unknown scenario round: use one of ${SCENARIO_NAMES.join(', ')}`],
    [['bands'], '--out is missing'],
    [['bands', '--seed', '0', '--out', 'there'], '0 is not a whole number of at least 1'],
    [['bands', '--users', '5'], "Unknown option '--users'"],
  ])('refuses %j', async (args, message) => {
    await expect(runScenario(args)).rejects.toMatchObject({
      code: 'invalid_argument',
      message: expect.stringContaining(message),
    });
    expect(existsSync('there')).toBe(false);
  });
});

describe('npm run lab -- predictions', () => {
  it('prints how often they hold, and writes a plot', async () => {
    const data = writeSmallDataSet(join(root, 'data'), CAMPAIGNS);
    const [model, out] = [join(root, 'model'), join(root, 'pages')];
    const prepared = await prepareDataSet(data);
    await train(prepared, {
      ...{ out: model, settings: { ...SMALL_SETTINGS, steps: 1 }, device: CPU, clock: systemClock, resume: false },
      signal: new AbortController().signal,
    });
    prepared.close();
    const args = ['--data', data, '--model', model];
    const lines = await runPredictions([...args, '--out', out], () => {});
    expect(lines.join('\n')).toMatch(/^small: .*\nPredictions from the seeds alone: .* of 2 campaigns/);
    expect(lines.at(-1)).toMatch(/^\| small \(2\) +\| assumed none \|/m);
    expect(readdirSync(out)).toEqual(['small.svg']);
    const [json] = await runPredictions([...args, '--json'], () => {});
    expect(JSON.parse(json!)).toMatchObject({ dataset: 'small', groups: { all: { campaigns: 2, predicted: 2 } } });
  });
});

describe('npm run lab', () => {
  it('lists its commands, and exits with 2 if it is called wrongly', async () => {
    const main = join(ROOT, 'packages/lab/main.ts');
    const failure = await promisify(execFile)(process.execPath, [main, 'party']).catch((error) => error);
    expect(failure).toMatchObject({
      code: 2,
      stdout: '',
      stderr: 'unknown command party: use one of scenario, predictions, quality\n',
    });
  });
});
