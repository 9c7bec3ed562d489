/** The quality benchmark on a data set of 90 users: stored results, tables, and refusals. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { runQuality } from '../../../packages/lab/quality/run.ts';
import { temporaryFolder } from '../../fixture/folders.ts';
import { CAMPAIGNS, writeSmallDataSet } from '../../training/small-data-set.ts';

let root = '';
let data = '';
beforeAll(() => {
  root = temporaryFolder();
  data = writeSmallDataSet(join(root, 'data'), CAMPAIGNS, { tagged: false });
});

describe('runQuality', { timeout: 180_000 }, () => {
  it('stores results, shows them again, and fills the tables of a page', async () => {
    const [work, out] = [join(root, 'work'), join(root, 'page.md')];
    const notes: string[] = [];
    const run = (...args: string[]) => runQuality([...args, '--work', work], (line) => notes.push(line));
    const asked = ['--data', data, '--steps', '1', '--repeats', '1', '--no-published'];
    const [page] = await run(...asked);
    expect(page!.match(/^## .*$/gm)).toEqual(
      ['Data sets', 'Over all data sets', 'Best baseline', 'Quality', 'Differences', 'Predictions', 'Seconds'].map(
        (name) => `## ${name}`,
      ),
    );
    expect(page).not.toContain(root);
    expect(notes.length).toBeGreaterThan(0);
    notes.length = 0;
    writeFileSync(out, 'Mine.\n\n<!-- table: quality -->\n<!-- end of table -->\n');
    expect(await run(...asked, '--out', out)).toEqual([page]);
    expect(notes).toEqual([]);
    expect(readFileSync(out, 'utf8')).toMatch(/^Mine\.\n\n<!-- table: quality -->\n\n\*\*small\*\*/);
    expect(await run()).toEqual([page]);
  });

  it.each([
    [['--scenarios', 'round'], /unknown scenario round: use one of few-tokens, /],
    [['--derive', 'twice'], /--derive twice is not supported/],
    [['--derive', 'once'], /--out/],
    [['--steps', '0'], /0 is not a whole number/],
    [[], /are missing/],
    [['--work', 'nowhere'], /does not exist/],
  ])('refuses %j', async (args, message) => {
    await expect(runQuality(args, () => {})).rejects.toMatchObject({
      code: 'invalid_argument',
      message: expect.stringMatching(message),
    });
  });
});
