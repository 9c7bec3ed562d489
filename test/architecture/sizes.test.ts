/**
 * The sizes that a reader can count on: columns of a line, lines of a file and of a function; and casts that say
 * nothing.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';
import { filesOf, ROOT } from './files.ts';

const MAXIMUM_COLUMNS = 120;
/** Of code, where a text or a statement may be a little wider. */
const MAXIMUM_CODE_COLUMNS = 140;
const MAXIMUM_FILE_LINES = 300;
/** Of a function with a body: one screen. */
const MAXIMUM_FUNCTION_LINES = 60;

/** Text that no break could make shorter: a table's row, a link or an address, a quoted output in a block. */
function isLong(line: string): boolean {
  return line.length > MAXIMUM_COLUMNS && !/^\s*\||https?:\/\/|^\s*\[[^\]]+\]:/.test(line);
}

/** What is wrong with a source, one line each. */
function faultsOfSource(path: string, text: string): string[] {
  const source = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true);
  const faults: string[] = [];
  const lines = text.split('\n').length - 1;
  if (lines > MAXIMUM_FILE_LINES) faults.push(`${path}: ${lines} lines`);
  const lineOf = (position: number) => source.getLineAndCharacterOfPosition(position).line + 1;
  const visit = (node: ts.Node): void => {
    if (ts.isFunctionLike(node) && 'body' in node && node.body) {
      const first = lineOf(node.getStart());
      const length = lineOf(node.end) - first + 1;
      if (length > MAXIMUM_FUNCTION_LINES) faults.push(`${path}:${first}: a function of ${length} lines`);
    }
    if (ts.isAsExpression(node) && ts.isAsExpression(node.expression))
      faults.push(`${path}:${lineOf(node.getStart())}: a cast of a cast`);
    ts.forEachChild(node, visit);
  };
  visit(source);
  return faults;
}

/** Comments and prose that are too long. A text in code, and what stands in a page's block of code, may be as it is. */
function longLines(path: string, text: string): string[] {
  const prose = path.endsWith('.md')
    ? text.replace(/^( *)(```|~~~)[\s\S]*?^\1\2/gm, (block) => block.replace(/[^\n]/g, ''))
    : text;
  const isProse = (line: string) => path.endsWith('.md') || /^\s*(\/\/|\/?\*)/.test(line);
  return prose
    .split('\n')
    .flatMap((line, i) => (isLong(line) && isProse(line) ? [`${path}:${i + 1}: ${line.length} columns`] : []));
}

/** Lines of code or of a page's block of code that no reader sees whole; rows of tables may be as wide as they are. */
function wideLines(path: string, text: string): string[] {
  return text
    .split('\n')
    .flatMap((line, i) =>
      line.length > MAXIMUM_CODE_COLUMNS && !line.startsWith('|') ? [`${path}:${i + 1}: ${line.length} columns`] : [],
    );
}

const sources = [
  ...filesOf('.ts', 'src'),
  ...filesOf('.ts', 'packages'),
  ...filesOf('.ts', 'console'),
  ...filesOf('.tsx', 'console'),
];
const texts = [...sources, ...filesOf('.md')];

describe('sizes', () => {
  it('has no source file or function that is too long, and no cast of a cast', () => {
    expect(sources.flatMap((path) => faultsOfSource(path, readFileSync(join(ROOT, path), 'utf8')))).toEqual([]);
  });

  it('has no comment and no line of a page that is too long', () => {
    expect(texts.flatMap((path) => longLines(path, readFileSync(join(ROOT, path), 'utf8')))).toEqual([]);
  });

  it('has no line of code, tests included, that is too wide to be read', () => {
    const all = [...texts, ...filesOf('.ts', 'test')];
    expect(all.flatMap((path) => wideLines(path, readFileSync(join(ROOT, path), 'utf8')))).toEqual([]);
  });

  it('would find each of them', () => {
    expect(wideLines('a.ts', `'${'x'.repeat(139)}'\n| ${'x'.repeat(139)}`)).toEqual(['a.ts:1: 141 columns']);
    const long = `function f() {\n${'  g();\n'.repeat(60)}}\n`;
    expect(faultsOfSource('a.ts', long)).toEqual(['a.ts:1: a function of 62 lines']);
    expect(faultsOfSource('a.ts', '\n'.repeat(301))).toEqual(['a.ts: 301 lines']);
    expect(faultsOfSource('a.ts', 'const a = 1 as unknown as string;\n')).toEqual(['a.ts:1: a cast of a cast']);
    expect(longLines('a.ts', `// ${'x'.repeat(118)}\n  * | ${'x'.repeat(121)}\n'${'x'.repeat(121)}'`)).toEqual([
      'a.ts:1: 121 columns',
      'a.ts:2: 127 columns',
    ]);
    expect(longLines('a.md', `\`\`\`\n${'x'.repeat(121)}\n\`\`\`\n${'x'.repeat(121)}`)).toEqual([
      'a.md:4: 121 columns',
    ]);
  });
});
