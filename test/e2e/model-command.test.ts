/** `metaheac model import | show | diff` as people run them. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { metaheac as runHere } from '../cli/in-process.ts';
import { temporaryFolder } from '../fixture/folders.ts';
import { ROOT } from '../fixture/served.ts';

const folder = temporaryFolder();
const DEEPFM = join(ROOT, 'test/golden/deepfm-opset17/model.onnx');

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
