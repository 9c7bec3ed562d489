/** The five examples of docs/onnx-grad.md print what the page shows below them. */
import { copyFileSync, existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { formatWithOptions } from 'node:util';
import { expect, it, vi } from 'vitest';
import { ROOT } from '../../architecture/files.ts';
import { temporaryFolder } from '../../fixture/folders.ts';
import { MODEL, PACKAGE } from './readme.ts';

const page = readFileSync(join(ROOT, 'docs/onnx-grad.md'), 'utf8');
const examples = [...page.matchAll(/^<!-- generated: (\S+) .*?^<!-- end of .*?^```text\n(.*?)^```$/gms)];

it('the page has five examples', () => {
  expect(examples.length).toBe(5);
});

it.each(examples.map(([, name, output]) => [name!, output!]))('%s prints its output', async (name, output) => {
  const folder = temporaryFolder();
  copyFileSync(MODEL, join(folder, 'model.onnx'));
  const before = process.cwd();
  const printed: string[] = [];
  const log = vi.spyOn(console, 'log').mockImplementation((...values) => {
    printed.push(`${formatWithOptions({ colors: false }, ...values)}\n`);
  });
  process.chdir(folder);
  try {
    await import(join(PACKAGE, 'examples', name));
  } finally {
    process.chdir(before);
    log.mockRestore();
  }
  expect(printed.join('')).toBe(output);
  expect(existsSync(join(folder, 'gradients.onnx'))).toBe(name === 'exported-model.ts');
});
