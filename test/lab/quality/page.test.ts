/** Tables in a page. */
import { describe, expect, it } from 'vitest';
import { fillPage, pageOf } from '../../../packages/lab/quality/page.ts';

const TABLES = new Map([
  ['quality', '| a |\n| --- |\n| $1 |'],
  ['curve of AUC', 'seeds'],
]);

describe('fillPage', () => {
  it('replaces the text between the marks of a table, and nothing else', () => {
    const page =
      'Before.\n\n<!-- table: quality -->\nold\n<!-- end of table -->\n\nBetween.\n\n' +
      '<!-- table: curve of AUC -->\n<!-- end of table -->\n\nAfter.\n';
    const filled = fillPage(page, TABLES);
    expect(filled).toBe(
      'Before.\n\n<!-- table: quality -->\n\n| a |\n| --- |\n| $1 |\n\n<!-- end of table -->\n\nBetween.\n\n' +
        '<!-- table: curve of AUC -->\n\nseeds\n\n<!-- end of table -->\n\nAfter.\n',
    );
    expect(fillPage(filled, TABLES)).toBe(filled);
  });

  it('does not change a table that it does not have', () => {
    const page = '<!-- table: other -->\nkept\n<!-- end of table -->\n';
    expect(fillPage(page, TABLES)).toBe(page);
  });
});

describe('pageOf', () => {
  it('is a page with one heading per table, which can be filled again', () => {
    const page = pageOf('Title', TABLES);
    expect(page.match(/^#.*$/gm)).toEqual(['# Title', '## Quality', '## Curve of AUC']);
    expect(fillPage(page, new Map([['quality', 'new']]))).toContain('-->\n\nnew\n\n<!--');
  });
});
