/** The code in the README of packages/onnx-grad, and what the README says that it prints. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '../../architecture/files.ts';

export const PACKAGE = join(ROOT, 'packages/onnx-grad');
/** The file that the README's Python code wrote with PyTorch 2.6. */
export const MODEL = join(PACKAGE, 'examples/model.onnx');

/** The text of the blocks of code in a section, in order. */
export function blocksOf(section: string): string[] {
  const text = readFileSync(join(PACKAGE, 'README.md'), 'utf8');
  const [, body] = text.split(`## ${section}\n`);
  if (body === undefined) throw new Error(`the README has no section "${section}"`);
  const [own] = body.split('\n## ');
  return [...own!.matchAll(/^```\w*\n(.*?)^```$/gms)].map(([, block]) => block!);
}

/** The five-minute example and its output. */
export function fiveMinutes(): { readonly code: string; readonly output: string } {
  const [, code, output] = blocksOf('Five minutes: one step of Adam on a PyTorch model');
  return { code: code!, output: output! };
}
