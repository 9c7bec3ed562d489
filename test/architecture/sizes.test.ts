/** Columns of a line, and casts of a cast; biome limits the lines of files and functions. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { filesOf, ROOT } from './files.ts';

const MAXIMUM_COLUMNS = 120;
/** Of code and of tests, where a text or a statement may be a little wider. */
const MAXIMUM_CODE_COLUMNS = 140;

/** The lines of a text that are wrong, and why. */
function faultsOf(path: string, text: string): string[] {
  const [isPage, isTest] = [path.endsWith('.md'), path.startsWith('test/')];
  let isBlock = false;
  return text.split('\n').flatMap((line, i) => {
    if (isPage && /^ *(```|~~~)/.test(line)) isBlock = !isBlock;
    const isProse = isPage ? !isBlock : !isTest && /^\s*(\/\/|\/?\*)/.test(line);
    // no break makes a table's row, a link or an address shorter
    const isBreakable = isProse ? !/^\s*\||https?:\/\/|^\s*\[[^\]]+\]:/.test(line) : !line.startsWith('|');
    const isLong = isBreakable && line.length > (isProse ? MAXIMUM_COLUMNS : MAXIMUM_CODE_COLUMNS);
    return [
      ...(isLong ? [`${path}:${i + 1}: ${line.length} columns`] : []),
      ...(!isPage && !isTest && /\bas unknown as\b/.test(line) ? [`${path}:${i + 1}: a cast of a cast`] : []),
    ];
  });
}

describe('sizes', () => {
  it('are within the limits in all sources, tests and pages', () => {
    const files = ['src', 'packages', 'console', 'test'].flatMap((folder) => filesOf('.ts', folder));
    const all = [...files, ...filesOf('.tsx', 'console'), ...filesOf('.md')];
    expect(all.flatMap((path) => faultsOf(path, readFileSync(join(ROOT, path), 'utf8')))).toEqual([]);
  });

  it('exceed the limits if a line is too long, or a cast is cast again', () => {
    expect(faultsOf('a.ts', `'${'x'.repeat(139)}'\n| ${'x'.repeat(139)}`)).toEqual(['a.ts:1: 141 columns']);
    expect(faultsOf('a.ts', 'const a = 1 as unknown as string;\n')).toEqual(['a.ts:1: a cast of a cast']);
    expect(faultsOf('a.ts', `// ${'x'.repeat(118)}\n  * | ${'x'.repeat(121)}\n'${'x'.repeat(121)}'`)).toEqual([
      'a.ts:1: 121 columns',
      'a.ts:2: 127 columns',
    ]);
    expect(faultsOf('a.md', `\`\`\`\n${'x'.repeat(121)}\n\`\`\`\n${'x'.repeat(121)}`)).toEqual(['a.md:4: 121 columns']);
  });
});
