/** The sentences for error codes of deliveries. */
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { ERRORS } from '../../console/src/pages/destinations/error-words.ts';

it('shows the sentences that the documentation has', () => {
  const page = readFileSync(new URL('../../docs/destinations.md', import.meta.url), 'utf8');
  const section = page.slice(page.indexOf('## If a delivery fails'));
  const rows = section.matchAll(/^\| (`.*?) +\| (.*?) *\|$/gm);
  const documented = [...rows].map(([, codes, sentence]) => [
    [...codes!.matchAll(/`(\w+)`/g)].map((m) => m[1]),
    sentence,
  ]);
  expect(documented).toEqual(ERRORS);
});
