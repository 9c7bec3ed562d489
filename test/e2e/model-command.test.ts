/** `metaheac model import | show | diff` as people run them. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { metaheac as runHere } from '../cli/in-process.ts';
import { temporaryFolder } from '../fixture/folders.ts';
import { ROOT } from '../fixture/served.ts';

const folder = temporaryFolder();
const DEEPFM = join(ROOT, 'test/golden/deepfm-opset17/model.onnx');
const TIED = join(ROOT, 'test/golden/tied-items-opset17/model.onnx');

const metaheac = (...args: string[]) => runHere('model', ...args);

describe('metaheac model import', () => {
  it('proposes a schema, imports with it, and shows the model and its adaptation', async () => {
    const inferred = await metaheac('import', DEEPFM, '--infer');
    expect(inferred).toMatchObject({ status: 0, stderr: '' });
    expect(inferred.stdout).toContain(
      '\n      {"name":"interest","kind":"multi","max_length":5,"vocabulary_size":23}\n',
    );
    const [schema, out] = [join(folder, 'schema.json'), join(folder, 'deepfm')];
    writeFileSync(schema, inferred.stdout);

    const imported = await metaheac('import', DEEPFM, '--schema', schema, '--out', out, '--name', 'deepfm');
    expect(imported).toMatchObject({ status: 0, stderr: '' });
    const { version } = JSON.parse(readFileSync(join(out, 'manifest.json'), 'utf8'));
    for (const line of [
      `model deepfm ${version} in ${out}`,
      'user feature interest: multi, at most 5 tokens, 22 tokens known (ids as tokens, "1" to "22")',
      'parameter embedding.user.city.weight [18, 6]: adapted, compact table, looked up by user.city',
      'parameter deep.0.0.weight [16, 36]: adapted, dense: Gemm node "/deep/deep.0/deep.0.0/Gemm" uses the whole parameter',
      '1235 parameters in 19 tensors',
      'tables and tensors: 12 compact, 7 dense, 0 fixed',
      'unsupported gradients: none',
      'golden batch: 16 random users',
    ])
      expect(imported.stdout.split('\n')).toContain(line);
    expect(imported.stdout).toMatch(/^ops: Gather 13, /m);
    expect(imported.stdout).toMatch(
      /^dry run of 4 steps on 64 random users: losses( \d\.\d{4}){4}; every adapted parameter changed$/m,
    );

    const [shown, adaptation] = await Promise.all([metaheac('show', out), metaheac('show', out, '--adaptation')]);
    expect(shown).toMatchObject({ status: 0, stderr: '' });
    for (const part of [/^input user.interest: int64\[batch, 5\]$/m, /^ops: Gather 13, /m, /^graph \S+$/m])
      expect(shown.stdout).toMatch(part);
    expect(adaptation.stdout.startsWith(shown.stdout.trimEnd())).toBe(true);
    expect(adaptation.stdout).toMatch(/^ {2}embedding\.user\.city\.weight: float32\[rows\./m);
    expect(adaptation.stdout).toContain('label: float32[batch]');
  });

  it('shows the graphs of descent on the heads: the user side and the step', async () => {
    const { status, stdout } = await metaheac('show', 'models/demo', '--adaptation');
    expect(status).toBe(0);
    expect(stdout.match(/^graph .*$/gm)).toEqual(['graph metaheac', 'graph metaheac_body', 'graph link_step']);
  });

  it('lists missing facts on stderr, and imports nothing until they are filled in', async () => {
    const inferred = await metaheac('import', TIED, '--infer');
    expect(JSON.parse(inferred.stdout).features.campaign).toEqual([
      { name: 'item', kind: 'single', vocabulary_size: null },
    ]);
    expect(inferred.stderr).toBe(
      'check: input "campaign.item" is not looked up in any table: fill in its vocabulary_size\n',
    );
    const [schema, out] = [join(folder, 'tied.json'), join(folder, 'tied')];
    writeFileSync(schema, inferred.stdout);
    const refused = await metaheac('import', TIED, '--schema', schema, '--out', out);
    expect(refused).toMatchObject({ status: 1, stdout: '' });
    expect(refused.stderr).toMatch(/^metaheac: schema \S+: feature "campaign\.item" has no tokens: .*\n$/);
    expect(existsSync(out)).toBe(false);

    writeFileSync(schema, inferred.stdout.replace('null', '27'));
    const imported = await metaheac('import', TIED, '--schema', schema, '--out', out);
    expect(imported.status).toBe(0);
    // a table that is the output layer too cannot be compact
    expect(imported.stdout).toContain(
      'parameter items.weight [27, 8]: adapted, dense: Gemm node "/output/Gemm" uses the whole parameter, looked up by ' +
        'user.history\n',
    );
  });

  it('exits with 2 for missing or contradictory options, and with 1 for a bad file', async () => {
    const bad = join(folder, 'bad.onnx');
    writeFileSync(bad, '<html>');
    const [noSchema, noOut, both, notOnnx] = await Promise.all([
      metaheac('import', DEEPFM, '--out', join(folder, 'x')),
      metaheac('import', DEEPFM, '--schema', 'x.json'),
      metaheac('import', DEEPFM, '--infer', '--out', 'x'),
      metaheac('import', bad, '--infer'),
    ]);
    expect([noSchema!.status, noOut!.status, both!.status]).toEqual([2, 2, 2]);
    expect(noSchema!.stderr).toContain("required option '--schema'");
    expect(noOut!.stderr).toContain("required option '--out'");
    expect(both!.stderr).toContain("'--infer'");
    expect(notOnnx).toMatchObject({ status: 1, stdout: '' });
    expect(notOnnx!.stderr).toMatch(/^metaheac: model \S+bad\.onnx: the file .*is not an ONNX model.*\n$/);
  });
});

describe('metaheac model diff', () => {
  it('names the differences, or says that there are none', async () => {
    const schema = join(folder, 'diff-schema.json');
    writeFileSync(schema, (await metaheac('import', DEEPFM, '--infer')).stdout);
    const [a, b] = [join(folder, 'a'), join(folder, 'b')];
    await metaheac('import', DEEPFM, '--schema', schema, '--out', a, '--name', 'a');
    const json = JSON.parse(readFileSync(schema, 'utf8'));
    writeFileSync(schema, JSON.stringify({ ...json, adaptation: { rate: 0.01 }, fixed: ['bias'] }));
    await metaheac('import', DEEPFM, '--schema', schema, '--out', b, '--name', 'b');
    const [same, different, none] = await Promise.all([
      metaheac('diff', a, a),
      metaheac('diff', a, b),
      metaheac('diff', a, folder),
    ]);
    expect(same).toEqual({ status: 0, stdout: 'no difference\n', stderr: '' });
    expect(different).toMatchObject({ status: 0, stderr: '' });
    const lines = different!.stdout.split('\n');
    expect(lines).toEqual(
      expect.arrayContaining([
        'name: "a" -> "b"',
        'adaptation.rate: 0.003 -> 0.01',
        expect.stringMatching(/^adapted_parameters: "all" -> \["embedding\.user\.gender\.weight",/),
        '19 parameters are equal',
      ]),
    );
    expect(none).toMatchObject({ status: 1, stdout: '' });
    expect(none!.stderr).toContain('the folder contains no manifest.json');
  });
});
