/** Tables as text. */
import { describe, expect, it } from 'vitest';
import { alignColumns, markdownTable } from '../../src/lib/text/tables.ts';

describe('alignColumns', () => {
  it('pads to the widest cell, to the left or right, and leaves no blanks at the end', () => {
    expect(
      alignColumns(
        [
          ['rank', 'user'],
          ['1', 'a'],
          ['10', 'long one'],
        ],
        'rl',
      ),
    ).toEqual(['rank  user', '   1  a', '  10  long one']);
  });
});

describe('markdownTable', () => {
  it('pads all cells of a column to one width', () => {
    expect(markdownTable(['op', 'opsets'], [['MatMul', '13']])).toBe(
      ['| op     | opsets |', '| ------ | ------ |', '| MatMul | 13     |'].join('\n'),
    );
  });
});
