/** The documentation's links: every relative one leads to a file that is there, and every anchor to a heading of it. */
import { existsSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { describe, expect, it } from 'vitest';
import { filesOf, ROOT } from './files.ts';

/** A page without its code: what stands in a block or between backticks is no link. */
function textOf(path: string): string {
  return readFileSync(join(ROOT, path), 'utf8').replace(/^( *)(```|~~~)[\s\S]*?^\1\2/gm, '');
}

/** The anchors of a page's headings, as GitHub makes them: one that comes again is numbered. */
function anchorsOf(path: string): Set<string> {
  const anchors = new Set<string>();
  for (const [, heading = ''] of textOf(path).matchAll(/^#{1,6} +(.*?) *$/gm)) {
    const words = heading.replace(/\[([^\]]*)\]\([^)]*\)/g, '$1').toLowerCase();
    const slug = words.replace(/[^\p{L}\p{N}\p{M}_ -]/gu, '').replaceAll(' ', '-');
    let anchor = slug;
    for (let i = 1; anchors.has(anchor); i++) anchor = `${slug}-${i}`;
    anchors.add(anchor);
  }
  return anchors;
}

/** What is wrong with the links of a page, or of a text in its place, one line each. */
function brokenLinks(page: string, markdown = textOf(page)): string[] {
  const text = markdown.replace(/`[^`\n]*`/g, '');
  const broken: string[] = [];
  for (const [, target = ''] of text.matchAll(/\]\(([^)\s]+)\)/g)) {
    if (/^[a-z]+:/.test(target)) continue;
    const [file = '', anchor] = target.split('#');
    const path = file === '' ? page : relative(ROOT, join(ROOT, dirname(page), file));
    if (path.startsWith('..') || !existsSync(join(ROOT, path))) broken.push(`${page}: ${target}: no such file`);
    else if (anchor !== undefined && !(path.endsWith('.md') && anchorsOf(path).has(anchor)))
      broken.push(`${page}: ${target}: no such heading`);
  }
  return broken;
}

const pages = filesOf('.md');

describe('the documentation', () => {
  it('has its pages', () => {
    const docs = [
      'api',
      'architecture',
      'bring-your-model',
      'data-set',
      'operations',
      'quality',
      'settings',
      'tutorial',
    ];
    expect(pages).toEqual(expect.arrayContaining(['README.md', ...docs.map((name) => `docs/${name}.md`)]));
  });

  it.each(pages)('has no broken link: %s', (page) => {
    expect(brokenLinks(page)).toEqual([]);
  });

  it('is refused if a link is broken', () => {
    const good =
      '[a](docs/operations.md#gpu) [b](docs/tutorial.md#1-estimate) [c](src) [d](#map) [e](https://example.com/none)';
    expect(brokenLinks('README.md', good)).toEqual([]);
    for (const [target, fault] of [
      ['none.md', 'no such file'],
      ['../package.json', 'no such file'],
      ['docs/operations.md#GPU', 'no such heading'],
      ['#none', 'no such heading'],
    ] as const)
      expect(brokenLinks('README.md', `[x](${target})`)).toEqual([`README.md: ${target}: ${fault}`]);
  });

  it('lists every page of docs in its index', () => {
    const index = textOf('docs/README.md');
    const unlisted = pages.filter(
      (page) => /^docs\/(?!README)[^/]+\.md$/.test(page) && !index.includes(`](${page.slice(5)})`),
    );
    expect(unlisted).toEqual([]);
  });

  it('has every page that messages and comments mention', () => {
    const named = [...filesOf('.ts'), ...filesOf('.mjs')].flatMap((file) =>
      [...readFileSync(join(ROOT, file), 'utf8').matchAll(/\bdocs\/[\w-]+\.md\b/g)].map(([page]) => page),
    );
    expect(named.length).toBeGreaterThan(3);
    expect([...new Set(named)].filter((page) => !pages.includes(page))).toEqual([]);
  });

  it('begins with a page of at most 8 kB', () => {
    expect(statSync(join(ROOT, 'README.md')).size).toBeLessThanOrEqual(8_000);
  });
});
