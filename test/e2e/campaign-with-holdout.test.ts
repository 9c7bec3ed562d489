/** The steps of docs/campaign-with-holdout.md, line by line, against a service that is started as it says. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { missingOf, readWalkedPage, walk, withoutChance } from '../fixture/walked-page.ts';

const page = readWalkedPage('docs/campaign-with-holdout.md');
const MISSING = missingOf(['bash', 'curl', 'jq', 'awk']);

it.skipIf(!process.env['CI'] && MISSING.length > 0)(
  'a campaign with a hold-out is measured as its page says',
  { timeout: 240_000 },
  async () => {
    const { said, work } = await walk(page, 'metaheac-holdout');
    expect(said.map(withoutChance)).toEqual(page.printed.map(withoutChance));
    // the true effect is 1 in 23 of nine in ten users, and its standard error is about .009
    const lift = JSON.parse(readFileSync(join(work, 'lift.json'), 'utf8'));
    expect(Math.abs(lift.conversion.absolute.estimate - 0.9 / 23)).toBeLessThan(0.05);
    expect(lift.arms.treated.users + lift.arms.held_out.users).toBe(8_000);
  },
);
