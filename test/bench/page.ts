/** The tables of benchmarks in pages of docs/. */
import { readFileSync, writeFileSync } from 'node:fs';
import { AppError } from '../../src/lib/errors.ts';

/** Replaces the table between the marks of a benchmark in a page. */
export function writeTable(page: string, name: string, lines: readonly string[]): void {
  const [start, end] = [`<!-- bench: ${name} -->`, `<!-- end of ${name} -->`];
  const text = readFileSync(page, 'utf8');
  const [from, to] = [text.indexOf(start), text.indexOf(end)];
  if (from === -1 || to < from) throw new AppError('invalid_argument', `${page} has no marks ${start} and ${end}`);
  writeFileSync(page, `${text.slice(0, from)}${start}\n\n${lines.join('\n')}\n\n${text.slice(to)}`);
}
