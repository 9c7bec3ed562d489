/** The steps of docs/identities.md, line by line, against a service that is started as it says. */
import { expect, it } from 'vitest';
import { missingOf, readWalkedPage, walk, withoutChance } from '../fixture/walked-page.ts';

const page = readWalkedPage('docs/identities.md');
const MISSING = missingOf(['bash', 'curl', 'jq', 'awk', 'sha256sum']);

it.skipIf(!process.env['CI'] && MISSING.length > 0)(
  'identifiers are used as their page says',
  { timeout: 240_000 },
  async () => {
    const { said } = await walk(page, 'metaheac-identities');
    expect(said.map(withoutChance)).toEqual(page.printed.map(withoutChance));
  },
);
