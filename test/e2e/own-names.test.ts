/** docs/bring-your-model.md, "I have a PyTorch model with its own input names": its commands, on such a model. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { Builder, tensor, type Value, writeModel } from '../../packages/onnx-grad/index.ts';
import { metaheac as runHere } from '../cli/in-process.ts';
import { temporaryFolder } from '../fixture/folders.ts';
import { ROOT } from '../fixture/served.ts';

const page = readFileSync(join(ROOT, 'docs/bring-your-model.md'), 'utf8');
const section = page.split('\n## ').find((part) => part.startsWith('I have a PyTorch model with its own input names'))!;
const blocksOf = (language: string) =>
  [...section.matchAll(new RegExp(`^\`\`\`${language}\n([\\s\\S]*?)^\`\`\``, 'gm'))].map(([, block]) => block!);

/** `age` [N], `hist` [N, 5], `hist_len` [N] and `ad` [N], as PyTorch exports the page's model. */
function model(): Uint8Array {
  const b = new Builder();
  const ids = (name: string, ...shape: (number | string)[]) => b.input(name, 'int64', shape);
  const [age, hist, length, ad] = [ids('age', 'N'), ids('hist', 'N', 5), ids('hist_len', 'N'), ids('ad', 'N')];
  const weights = (name: string, ...shape: number[]) =>
    b.initializer(
      name,
      tensor(
        'float32',
        shape,
        Float64Array.from({ length: shape.reduce((a, z) => a * z) }, (_, i) => Math.sin(i + name.length)),
      ),
    );
  const embed = (name: string, rows: number, x: Value) => b.add('Gather', [weights(name, rows, 4), x], { axis: 0 });
  const places = b.constant(tensor('int64', [5], [0, 1, 2, 3, 4]));
  const present = b.add('Less', [places, b.add('Unsqueeze', [length, b.ints([1])])]);
  const mask = b.add('Unsqueeze', [b.add('Cast', [present], { to: 'float32' }), b.ints([2])]);
  const sum = b.add('ReduceSum', [b.add('Mul', [embed('hist.weight', 23, hist), mask]), b.ints([1])], { keepdims: 0 });
  const together = b.add('Concat', [embed('age.weight', 7, age), sum, embed('ad.weight', 12, ad)], { axis: 1 });
  const logit = b.add('MatMul', [together, weights('linear.weight', 12, 1)]);
  return writeModel(b.build('main_graph', [b.add('Sigmoid', [logit], {}, { name: 'probability' })]));
}

it('the commands of the page import a model with its own input names', async () => {
  const folder = temporaryFolder();
  writeFileSync(join(folder, 'model.onnx'), model());
  const metaheac = async (line: string) => {
    const [program, ...words] = line.split(' ');
    expect(program).toBe('metaheac');
    const args = words.map((word) => (/^(model\.onnx|schema\.json)$/.test(word) ? join(folder, word) : word));
    // the folder "model" is named by its place: behind --out, and as the last word
    const placed = args.map((word, i) => (word === 'model' && i > 0 ? join(folder, word) : word));
    const result = await runHere(...placed);
    expect(result.status, result.stderr).toBe(0);
    return result;
  };
  const [infer, rest] = blocksOf('sh').map((block) => block.trim().split('\n'));
  const [schema] = blocksOf('json');
  const [command, target] = infer![0]!.split(' > ');
  expect(target).toBe('schema.json');
  const proposed = await metaheac(command!);
  expect(JSON.parse(proposed.stdout).inputs).toEqual({
    age: 'user.age',
    hist: 'user.hist',
    hist_len: 'user.hist.length',
    ad: 'user.ad',
  });
  for (const name of ['age', 'hist', 'ad']) expect(proposed.stderr).toContain(`input "${name}" is assumed to be`);
  // what the proposal knows is what the page has
  const sizes = (text: string) => {
    const { user, campaign } = JSON.parse(text).features as Record<string, { vocabulary_size: number }[]>;
    return [...user!, ...campaign!].map(({ vocabulary_size }) => vocabulary_size);
  };
  expect(sizes(proposed.stdout)).toEqual(sizes(schema!));

  writeFileSync(join(folder, 'schema.json'), schema!);
  const [imported, verified] = [await metaheac(rest![0]!), await metaheac(rest![1]!)];
  expect(imported.stdout).toMatch(/^model ours [0-9a-f]{12} in /);
  expect(imported.stdout).toContain('campaign feature category: single, 11 tokens known');
  expect(verified.stdout).toMatch(/^ours [0-9a-f]{12} is valid: /);
});
