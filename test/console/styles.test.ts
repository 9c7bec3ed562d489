/** Styles of the console: a page's styles stay loaded after it is left, so they must not apply to other pages. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { ROOT } from '../fixture/served.ts';

const SOURCES = join(ROOT, 'console/src');

it('define each class in one file only', () => {
  const owners = new Map<string, string[]>();
  for (const file of readdirSync(SOURCES, { recursive: true, encoding: 'utf8' }).filter((each) =>
    each.endsWith('.css'),
  ))
    for (const [, name] of readFileSync(join(SOURCES, file), 'utf8').matchAll(/^\.([\w-]+)(?:,| \{)$/gm))
      owners.set(name!, [...new Set([...(owners.get(name!) ?? []), file])]);
  expect(owners.size).toBeGreaterThan(100);
  expect([...owners].filter(([, files]) => files.length > 1)).toEqual([]);
});
