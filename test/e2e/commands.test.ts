/**
 * Commands as people run them: exit codes, what is on stdout and on stderr, one line for what the caller can mend.
 * Those that need no process of their own run in this one.
 */
import { spawnSync } from 'node:child_process';
import { appendFileSync, cpSync, existsSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { metaheac, type Result } from '../cli/in-process.ts';
import { temporaryFolder } from '../fixture/folders.ts';
import { ROOT } from '../fixture/served.ts';
import { describeUsual, IS_LONG, itUsual } from '../fixture/size.ts';
import { tinyWorld } from '../fixture/tiny-world.ts';

const world = await tinyWorld();
const folder = temporaryFolder();

/** The caller's error: exit code 1 (2 of usage), nothing on stdout, one line that says all of `parts`. */
function expectOneLine(result: Result, ...parts: readonly string[]): void {
  expect(result).toMatchObject({ status: expect.toBeOneOf([1, 2]), stdout: '' });
  const notes = result.stderr.split('\n').filter((line) => !/^(\{"level"|device: )/.test(line));
  expect(notes).toEqual([expect.stringMatching(/^metaheac: /), '']);
  for (const part of parts) expect(notes[0]).toContain(part);
}

itUsual('a command exits quietly if its reader closes the pipe', () => {
  const pipe = 'set -o pipefail; "$0" "$@" | head -1';
  const command = [process.execPath, 'scripts/run.mjs', 'src/cli/main.ts', 'model', 'show', world.model];
  const { status, stdout, stderr } = spawnSync('bash', ['-c', pipe, ...command], { cwd: ROOT, encoding: 'utf8' });
  expect([status, stderr]).toEqual([0, '']);
  expect(stdout.split('\n')).toHaveLength(2);
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

describe('metaheac evaluate', () => {
  it.runIf(IS_LONG)('prints one JSON object, and writes a page with plots, also for scores from a file', async () => {
    const theirs = join(folder, 'theirs.csv');
    const [page, plots] = [join(folder, 'made', 'page.html'), join(folder, 'plots')];
    const rows = readFileSync(join(world.data, 'interactions.csv'), 'utf8').split('\n');
    const scores = rows.filter((row) => row.endsWith(',eval')).map((row) => row.replace(/,[01],eval$/, ',0.5'));
    writeFileSync(theirs, `campaign_id,user_id,score\n${scores.join('\n')}\n`);
    const { status, stdout, stderr } = await metaheac(
      'evaluate',
      ...['--data', world.data, '--model', world.model, '--beside', world.model],
      ...['--beside', theirs, '--report', page, '--plots', plots],
      ...['--json', '--repeats', '1', '--device', 'cpu'],
    );
    expect([status, stdout.split('\n').length], stderr).toEqual([0, 2]);
    const report = JSON.parse(stdout);
    expect(Object.keys(report.methods)).toEqual(expect.arrayContaining(['metaheac', 'meta-heads', 'theirs', 'random']));
    expect(report.differences['meta-heads'].all.auc).toEqual({ mean: 0, low: 0, high: 0 });
    // ties are half right
    expect(report.methods.theirs.all.auc).toEqual({ mean: 0.5, low: 0.5, high: 0.5 });
    expect(report.groups).toEqual(report.methods.metaheac);
    expect(report.groups.all.campaigns).toBe(4);
    expect(report.seconds_per_campaign).toBeGreaterThan(0);
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

  itUsual('prints a table of qualities and a table of differences', async () => {
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

itUsual('metaheac serve exits with the reason for which its engine does not start', async () => {
  const folders = ['--data-dir', join(folder, 'data'), '--model', world.model, '--population', world.population];
  expectOneLine(await metaheac('serve', ...folders, '--port', '0', '--device', 'cuda:99'), 'cuda:99');
});

itUsual('metaheac openapi prints the committed document, and --check refuses another', async () => {
  const drifted = join(folder, 'openapi.yaml');
  const committed = readFileSync(join(ROOT, 'openapi.yaml'), 'utf8');
  writeFileSync(drifted, committed.replace('audience_not_ready', 'audience_is_late'));
  expect(await metaheac('openapi')).toEqual({ status: 0, stdout: committed, stderr: '' });
  expectOneLine(await metaheac('openapi', '--check', drifted), drifted, 'npm run openapi');
});
