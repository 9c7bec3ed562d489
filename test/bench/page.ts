/** The tables of benchmarks in pages of docs/. */
import { readFileSync, writeFileSync } from 'node:fs';
import { AppError } from '../../src/lib/errors.ts';

/** Of a page of docs/. */
const COLUMNS = 120;

/** Replaces the table between the marks of a benchmark in a page. */
export function writeTable(page: string, name: string, lines: readonly string[]): void {
  const [start, end] = [`<!-- bench: ${name} -->`, `<!-- end of ${name} -->`];
  const text = readFileSync(page, 'utf8');
  const [from, to] = [text.indexOf(start), text.indexOf(end)];
  if (from === -1 || to < from) throw new AppError('invalid_argument', `${page} has no marks ${start} and ${end}`);
  writeFileSync(page, `${text.slice(0, from)}${start}\n\n${lines.join('\n')}\n\n${text.slice(to)}`);
}

/** A text in lines of a page; all but the first are indented. */
export function wrapped(text: string, indent = ''): string[] {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + word.length < COLUMNS) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(`${last === undefined ? '' : indent}${word}`);
  }
  return lines;
}

/** A table in Markdown, whose columns have equal widths. */
export function markdownTable(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const all = [head, head.map(() => '---'), ...rows];
  const widths = head.map((_, column) => Math.max(...all.map((row) => row[column]!.length)));
  return all.map((row, i) => {
    const cells = row.map((cell, column) => cell.padEnd(widths[column]!, i === 1 ? '-' : ' '));
    return `| ${cells.join(' | ')} |`;
  });
}
