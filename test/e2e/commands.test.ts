/**
 * Commands as people run them: exit codes, what is on stdout and on stderr, one line for what the caller can mend. Those
 * that need no process of their own run in this one.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, cpSync, existsSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { datasetGenerateCommand } from '../../src/cli/commands/dataset/make.ts';
import { openApiCommand } from '../../src/cli/commands/openapi.ts';
import { createOutput } from '../../src/cli/output.ts';
import { generateDataSet } from '../../src/dataset/synthetic/synthetic.ts';
import { metaheac, metaheacWith, type Result } from '../cli/in-process.ts';
import { temporaryFolder } from '../fixture/folders.ts';
import { ROOT } from '../fixture/served.ts';
import { describeUsual, IS_LONG, itUsual } from '../fixture/size.ts';
import { tinyWorld } from '../fixture/tiny-world.ts';

const world = await tinyWorld();
const folder = temporaryFolder();

const NOWHERE = createOutput(new PassThrough(), new PassThrough());
const METAHEAC = [process.execPath, 'scripts/run.mjs', 'src/cli/main.ts'];

/** In a process of its own. */
function run(command: readonly string[]): Promise<Result> {
  return new Promise((resolve, reject) => {
    const child = spawn(command[0]!, command.slice(1), {
      cwd: ROOT,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', (data) => (stdout += data));
    child.stderr.on('data', (data) => (stderr += data));
    child.on('error', reject);
    child.on('close', (status) => resolve({ status, stdout, stderr }));
  });
}

/** The caller's error: exit code 1 (2 of usage), nothing on stdout, one line that says all of `parts`. */
function expectOneLine(result: Result, ...parts: readonly string[]): void {
  expect(result).toMatchObject({ status: expect.toBeOneOf([1, 2]), stdout: '' });
  const notes = result.stderr.split('\n').filter((line) => !/^(\{"level"|device: )/.test(line));
  expect(notes).toEqual([expect.stringMatching(/^metaheac: /), '']);
  for (const part of parts) expect(notes[0]).toContain(part);
}

describeUsual('metaheac', () => {
  it.each([
    [['frobnicate'], 'frobnicate'],
    [['evaluate', '--data', 'x', '--model', 'y', '--frobnicate'], '--frobnicate'],
    [['train', '--data', 'x', '--out', 'y', '--steps', '0'], '--steps'],
    [['train', '--data', 'x', '--out', 'y', '--threads', '0'], '--threads'],
    [['train', '--data', 'x', '--out', 'y', '--past-campaigns', 'sometimes'], '--past-campaigns'],
    [
      ['train', '--data', 'x', '--out', 'y', '--gpu', '0', '--device', 'cpu'],
      "'--device <device>' cannot be used with option '--gpu <n>'",
    ],
  ])('exits with 2 and an explanation: %j', async (args, part) => {
    const { status, stdout, stderr } = await metaheac(...args);
    expect([status, stdout]).toEqual([2, '']);
    expect(stderr).toContain(part);
    expect(stderr).not.toMatch(/\n\s+at /);
  });

  it('exits quietly if its reader closes the pipe', async () => {
    const result = await run([
      'bash',
      '-c',
      `set -o pipefail; ${METAHEAC.map((word) => `'${word}'`).join(' ')} model show '${world.model}' | head -1`,
    ]);
    expect(result).toMatchObject({ status: 0, stderr: '' });
    expect(result.stdout.split('\n')).toHaveLength(2);
  });
});

describeUsual('metaheac train', () => {
  it('names a missing data set folder', async () => {
    expectOneLine(
      await metaheac('train', '--data', join(folder, 'nowhere'), '--out', join(folder, 'm')),
      join(folder, 'nowhere'),
    );
  });
});

describe.runIf(IS_LONG)('metaheac train --past-campaigns', () => {
  it('makes past campaigns a feature always, never, or if that helps the training campaigns', async () => {
    const data = join(folder, 'recurring');
    await generateDataSet({
      out: data,
      users: 200,
      trainCampaigns: 3,
      testCampaigns: 0,
      seed: '1',
      audienceShare: 0.5,
      trainMembers: 60,
    });
    const tiny = ['--task-count', '2', '--num-expert', '2', '--num-output', '2', '--embedding', '4', '--steps', '1'];
    const features = async (...args: string[]) => {
      const out = join(folder, `recurring-model-${args[1] ?? 'auto'}`);
      const options = ['--data', data, '--out', out, '--device', 'cpu', '--threads', '1', ...tiny];
      const { status, stderr } = await metaheac('train', ...options, ...args);
      expect(status, stderr).toBe(0);
      const manifest = JSON.parse(readFileSync(join(out, 'manifest.json'), 'utf8'));
      return { stderr, names: manifest.features.user.map(({ name }: { name: string }) => name) };
    };
    const [auto, always, never] = await Promise.all([
      features(),
      features('--past-campaigns', 'always'),
      features('--past-campaigns', 'never'),
    ]);
    expect(always.names).toEqual([...never.names, 'past_campaigns']);
    const said = /^past campaigns are (a|not a) user feature: AUC [+-]\.?\d.* on \d+ train campaigns/m.exec(
      auto.stderr,
    );
    expect(said, auto.stderr).not.toBeNull();
    expect(auto.names).toEqual(said![1] === 'a' ? always.names : never.names);
    for (const { stderr } of [always, never]) expect(stderr).not.toMatch(/past campaigns are/);
    // three campaigns are too few to choose a blend on
    for (const { stderr } of [auto, always, never])
      expect(stderr.match(/^parts of the model: heads [\d.]+, regression .*$/gm)).toHaveLength(1);
  });
});

describeUsual('metaheac model', () => {
  it('shows features, parameters, adaptation, evaluation and the graph', async () => {
    const { status, stdout, stderr } = await metaheac('model', 'show', world.model);
    expect([status, stderr]).toEqual([0, '']);
    const { name, version } = JSON.parse(readFileSync(join(world.model, 'manifest.json'), 'utf8'));
    expect(stdout.split('\n')[0]).toMatch(new RegExp(`^${name} ${version}, made 20`));
    for (const part of [
      /^user feature interests: multi, at most \d+ tokens, \d+ tokens known$/m,
      /^campaign feature category: single, \d+ tokens known$/m,
      /^parameter heads\.wide \[\d+\]: adapted, compact table, looked up by user\./m,
      /^parameter heads\.query \[32\]: adapted, dense: /m,
      /^parameter \S+ \[\d+, 4\]: fixed: the manifest does not list it as adapted/m,
      /^\d+ parameters in \d+ tensors$/m,
      /^adaptation: \{"optimiser":"gradient_descent"/m,
      /^evaluation on .*AUC/m,
      /Gather\(/,
    ])
      expect(stdout).toMatch(part);
  });

  it('verifies a valid model, and names a damaged file', async () => {
    const torn = join(folder, 'torn');
    cpSync(world.model, torn, { recursive: true });
    truncateSync(join(torn, 'model.onnx'), 5000);
    const [sound, broken] = await Promise.all(
      [world.model, torn].map((dir) => metaheac('model', 'verify', dir, '--device', 'cpu')),
    );
    expect(sound).toMatchObject({
      status: 0,
      stderr: '',
      stdout: expect.stringMatching(
        / is valid: \d+ files, \d+ adapted parameters, golden batch of \d+ rows .* on cpu\n$/,
      ),
    });
    expectOneLine(broken!, torn, 'model.onnx');
  });
});

describeUsual('metaheac population import', () => {
  it('reports what it imported; on an error, names file and line and publishes nothing', async () => {
    const bad = join(folder, 'bad');
    cpSync(world.data, bad, { recursive: true });
    appendFileSync(join(bad, 'users.ndjson'), '{"user_id": 7.5}\n');
    const [good, refused] = await Promise.all(
      [world.data, bad].map((data) =>
        metaheac('population', 'import', '--data', data, '--model', world.model, '--out', `${data}-population`),
      ),
    );
    const version = readFileSync(`${world.data}-population/current`, 'utf8').trim();
    expect(good!.status).toBe(0);
    expect(good!.stdout).toContain(
      `population version ${version} in ${world.data}-population: ${world.userIds.length} users, ${world.userIds.length} of them new\n`,
    );
    expect(good!.stdout).toMatch(
      /^ {2}interests: \d+ tokens, \d+ uses, \d+\.\d % unknown to the model, \d+ uses ignored \(only the first \d+ per user are read\)$/m,
    );
    expectOneLine(refused!, `users.ndjson:${world.userIds.length + 1}`, 'user_id');
    expect(existsSync(`${bad}-population`)).toBe(false);
  });
});

/** One run of `evaluate --json`, with another model and scores beside, a page and plots. */
const [theirs, page, plots] = [join(folder, 'theirs.csv'), join(folder, 'made', 'page.html'), join(folder, 'plots')];
let evaluation: Promise<Result> | null = null;

function evaluated(): Promise<Result> {
  if (evaluation !== null) return evaluation;
  const rows = readFileSync(join(world.data, 'interactions.csv'), 'utf8').split('\n');
  const scores = rows.filter((row) => row.endsWith(',eval')).map((row) => row.replace(/,[01],eval$/, ',0.5'));
  writeFileSync(theirs, `campaign_id,user_id,score\n${scores.join('\n')}\n`);
  evaluation = metaheac(
    'evaluate',
    ...['--data', world.data, '--model', world.model, '--beside', world.model],
    ...['--beside', theirs, '--report', page, '--plots', plots],
    ...['--json', '--repeats', '1', '--device', 'cpu'],
  );
  return evaluation;
}

describe('metaheac evaluate --json', () => {
  it.runIf(IS_LONG)('prints one JSON object and nothing else on stdout', async () => {
    const { status, stdout, stderr } = await evaluated();
    expect([status, stdout.split('\n').length], stderr).toEqual([0, 2]);
    const report = JSON.parse(stdout);
    const baselines = [
      'logistic_regression',
      'logistic_regression_svd',
      'population_ridge',
      'naive_bayes',
      'centroid',
      'user_knn',
      'random',
    ];
    expect(Object.keys(report.methods)).toEqual(['metaheac', 'meta-heads', 'theirs', ...baselines]);
    expect(report.differences['meta-heads'].all.auc).toEqual({ mean: 0, low: 0, high: 0 });
    for (const groups of Object.values(report.methods) as Record<
      string,
      { campaigns: number; auc: { mean: number; low: number; high: number } }
    >[]) {
      expect(Object.entries(groups).map(([name, { campaigns }]) => [name, campaigns])).toEqual([
        ['small', 2],
        ['large', 2],
        ['all', 4],
      ]);
      for (const { auc } of Object.values(groups))
        expect(auc.low <= auc.mean && auc.mean <= auc.high && auc.low >= 0 && auc.high <= 1).toBe(true);
    }
    expect(report.groups).toEqual(report.methods.metaheac);
    expect(report.seconds_per_campaign).toBeGreaterThan(0);
  });
});

describe('metaheac evaluate --report', () => {
  it.runIf(IS_LONG)('writes a page with plots, also for scores from a file', async () => {
    const { stdout, stderr } = await evaluated();
    // ties are half right
    expect(JSON.parse(stdout).methods.theirs.all.auc).toEqual({ mean: 0.5, low: 0.5, high: 0.5 });
    expect(readFileSync(page, 'utf8')).toContain('<th scope="row">theirs</th>');
    const names = ['recall', 'lift', 'differences', 'seeds'].map((name) => join(plots, `${name}.svg`));
    for (const path of [page, ...names]) expect(stderr).toContain(`wrote ${path}\n`);
    for (const path of names) expect(readFileSync(path, 'utf8')).toMatch(/^<svg [\s\S]*<\/svg>\n$/);
  });

  itUsual('refuses scores with missing users, and a folder in place of the page, before it evaluates', async () => {
    const file = join(folder, 'few.csv');
    writeFileSync(file, 'campaign_id,user_id,score\n');
    const base = ['evaluate', '--data', world.data, '--model', world.model, '--device', 'cpu'];
    const [few, onFolder] = await Promise.all([
      metaheac(...base, '--beside', file),
      metaheac(...base, '--report', folder),
    ]);
    expectOneLine(few!, `${file}: campaign`, 'lacks the scores of');
    expectOneLine(onFolder!, `${folder} is a folder: --report needs the path of a file`);
  });
});

describeUsual('metaheac evaluate', () => {
  it('prints a table of qualities and a table of differences', async () => {
    const { status, stdout } = await metaheac(
      'evaluate',
      ...['--data', world.data, '--model', world.model, '--repeats', '1', '--device', 'cpu'],
    );
    expect(status).toBe(0);
    expect(stdout).toMatch(/^naive_bayes +small +2 +0\.\d{4} \[0\.\d{3}, [01]\.\d{3}\]( +\d+\.\d{3}){3}$/m);
    const signed = (digits: number) => ` +${Array(3).fill(`[+-]0\\.\\d{${digits}}`).join('(, | \\[)')}\\]`;
    expect(stdout).toMatch(new RegExp(`^logistic_regression_svd +all${signed(4)}${signed(3)}$`, 'm'));
    expect(stdout).toMatch(
      /^chosen on train campaigns: logistic_regression strength [\d.]+, .*naive_bayes smoothing \d+, user_knn k \d+ idf_power [01](, |$)/m,
    );
  });
});

describeUsual('metaheac dataset generate', () => {
  it('refuses an existing folder', async () => {
    const options = { out: folder, users: 1, trainCampaigns: 1, testCampaigns: 1, seed: 1, world: 'demo' };
    await expect(datasetGenerateCommand(options, NOWHERE)).rejects.toMatchObject({ code: 'invalid_argument' });
  });
});

describeUsual('metaheac serve', () => {
  const service = [
    'serve',
    '--data-dir',
    join(folder, 'data'),
    '--model',
    world.model,
    '--population',
    world.population,
    '--device',
    'cpu',
  ];

  it('explains what it cannot serve, and creates no data folder', async () => {
    const [noModel, unknown, openHost] = await Promise.all([
      metaheac('serve', '--data-dir', join(folder, 'data'), '--population', world.population),
      metaheacWith({ METAHEAC_PROT: '80' }, ...service),
      metaheac(...service, '--host', '0.0.0.0'),
    ]);
    expectOneLine(noModel!, '--model', 'METAHEAC_MODEL');
    expectOneLine(unknown!, 'METAHEAC_PROT');
    expectOneLine(openHost!, '0.0.0.0', 'METAHEAC_API_KEY');
    expect(existsSync(join(folder, 'data'))).toBe(false);
  });

  it('refuses a port in use', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const { port } = other.address() as AddressInfo;
    const result = await metaheac(...service, '--port', String(port));
    other.close();
    expectOneLine(result, `127.0.0.1:${port}`, 'EADDRINUSE');
  });

  it('exits with the reason for which its engine does not start', async () => {
    expectOneLine(await metaheac(...service, '--port', '0', '--device', 'cuda:99'), 'cuda:99');
  });
});

describeUsual('metaheac openapi', () => {
  it('prints the committed document; --check passes only for this document', async () => {
    const drifted = join(folder, 'openapi.yaml');
    const committed = readFileSync(join(ROOT, 'openapi.yaml'), 'utf8');
    writeFileSync(drifted, committed.replace('audience_not_ready', 'audience_is_late'));
    const [printed, other, none] = await Promise.all([
      metaheac('openapi'),
      metaheac('openapi', '--check', drifted),
      metaheac('openapi', '--check', join(folder, 'none.yaml')),
    ]);
    expect(printed).toMatchObject({ status: 0, stdout: committed, stderr: '' });
    await openApiCommand({ check: join(ROOT, 'openapi.yaml') }, NOWHERE);
    expectOneLine(other!, drifted, 'npm run openapi');
    expectOneLine(none!, 'none.yaml: not found');
  });
});
