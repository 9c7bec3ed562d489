/** The steps of docs/special-categories.md, line by line, against a service that is started as it says. */
import { expect, it } from 'vitest';
import { missingOf, readWalkedPage, walk, withoutChance } from '../fixture/walked-page.ts';

const page = readWalkedPage('docs/special-categories.md');
const MISSING = missingOf(['bash', 'curl', 'jq', 'awk']);

it.skipIf(!process.env['CI'] && MISSING.length > 0)(
  'a campaign of a special category is made as its page says',
  { timeout: 240_000 },
  async () => {
    const { said } = await walk(page, 'metaheac-categories');
    expect(said.map(withoutChance)).toEqual(page.printed.map(withoutChance));
  },
);
