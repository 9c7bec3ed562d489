/**
 * nn.MultiheadAttention and nn.TransformerEncoder, as PyTorch exports them at several opsets, masks and layouts, go
 * through import and an expansion, and keep PyTorch's scores.
 */
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { importModel } from '../../src/model/import/import-model.ts';
import { loadModel } from '../../src/model/load.ts';
import { BoundModel } from '../../src/online/bound-model.ts';
import { openOnlineProgram } from '../../src/online/online-context.ts';
import { loadTestedModel } from '../../src/online/test-expansion.ts';
import { newFolder } from '../fixture/folders.ts';
import { IS_LONG, IS_USUAL } from '../fixture/size.ts';
import { newRoot, populationOf } from './world.ts';

const GOLDEN = join(import.meta.dirname, '../golden/attention');
const names = readdirSync(GOLDEN)
  .filter((file) => file.endsWith('.onnx'))
  .map((file) => file.replace('.onnx', ''));
const root = newRoot();
afterAll(() => rmSync(root, { recursive: true, force: true }));

const FEATURES = {
  user: [
    { name: 'age', kind: 'single', vocabulary_size: 7 },
    { name: 'hist', kind: 'multi', max_length: 5, vocabulary_size: 23 },
  ],
  campaign: [{ name: 'category', kind: 'single', vocabulary_size: 12 }],
} as const;

interface Expected {
  readonly inputs: Readonly<Record<string, readonly (number | readonly number[])[]>>;
  readonly scores: readonly number[];
}

it('finds exports of all four opsets, with and without masks', () => {
  for (const part of ['opset14', 'opset17', 'opset18', 'opset20', 'none', '-k', '-a', '-b-', '-ka', 'batch-first'])
    expect(names.some((name) => name.includes(part))).toBe(true);
});

// each export is imported in one of the projects
describe.each(names.filter((_, i) => (i % 4 === 0 ? IS_USUAL : IS_LONG)))('%s', (name) => {
  it('is imported, and expands with the scores of PyTorch', async () => {
    const folder = newFolder(root);
    const schema = join(folder, 'schema.json');
    writeFileSync(schema, JSON.stringify({ features: FEATURES }));
    const out = join(folder, 'model');
    const file = join(GOLDEN, `${name}.onnx`);
    const test = async (staged: string) => void (await loadTestedModel(staged));
    await importModel({ file, schema, out, test, created: '2026-11-28T12:00:00.000Z' });

    const { inputs, scores } = JSON.parse(readFileSync(join(GOLDEN, `${name}.json`), 'utf8')) as Expected;
    const users = scores.map((_, i) => {
      const hist = (inputs['user.hist']![i] as readonly number[]).slice(0, inputs['user.hist.length']![i] as number);
      const age = inputs['user.age']![i] as number;
      return { user_id: `user-${i}`, age: age === 0 ? null : String(age), hist: hist.map(String) };
    });
    const population = await populationOf(
      root,
      users,
      FEATURES.user.map(({ name, kind }) => ({ name, kind })),
    );
    const model = await loadModel(out);
    const program = await openOnlineProgram(model);
    const bound = await BoundModel.open(model, program, population);
    const campaign = { features: { category: '5' }, externalId: null };
    const rows = population.readSegment(0);
    const found = await bound.score(rows, { ...campaign, parameters: model.graph.initializers });
    for (const [i, userNumber] of rows.userNumbers.entries()) {
      const expected = scores[Number(population.directory.id(userNumber).slice(5))]!;
      expect(Math.abs(found[i]! - expected)).toBeLessThanOrEqual(1e-5);
    }

    const all = Int32Array.from(users.keys());
    const adapted = await bound.customise({ ...campaign, key: 'k', seeds: all.slice(0, 4), candidates: all.slice(4) });
    const after = await bound.score(rows, { ...campaign, parameters: adapted.parameters });
    const gains = Array.from(after, (score, i) => score - found[i]!);
    const mean = (of: readonly number[]) => of.reduce((sum, x) => sum + x, 0) / of.length;
    expect(mean(gains.slice(0, 4))).toBeGreaterThan(mean(gains.slice(4)));
    await bound.close();
    await program.steps.close();
  });
});
