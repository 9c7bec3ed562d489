/** Histories cut short, and their table. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Training } from '../../../packages/lab/quality/bench-run.ts';
import { type HistoryPoint, keptHistories, writeHistory } from '../../../packages/lab/quality/histories.ts';
import { historyTable } from '../../../packages/lab/quality/history-table.ts';
import { openPartStore } from '../../../packages/lab/quality/part-store.ts';
import { openDataSet } from '../../../src/dataset/data-set.ts';
import { temporaryFolder } from '../../fixture/folders.ts';
import { CAMPAIGNS, writeSmallDataSet } from '../../training/small-data-set.ts';
import { interval, reportOf } from './reports.ts';
import { wrapped } from './wrapped.ts';

const root = temporaryFolder();

describe('writeHistory', () => {
  it('leaves out the other train campaigns with their rows, and nothing else', async () => {
    const data = writeSmallDataSet(join(root, 'data'), CAMPAIGNS);
    const out = join(root, 'short');
    await writeHistory(openDataSet(data), new Set(['c1', 'c4']), out);
    const read = (folder: string, file: string) => readFileSync(join(folder, file), 'utf8');
    for (const file of ['dataset.json', 'users.ndjson']) expect(read(out, file)).toBe(read(data, file));
    const kept = (line: string) => !/\bc[0235]\b/.test(line.split(line.startsWith('{') ? ',"split"' : ',', 1)[0]!);
    for (const file of ['campaigns.ndjson', 'interactions.csv'])
      expect(read(out, file)).toBe(`${read(data, file).trimEnd().split('\n').filter(kept).join('\n')}\n`);
    expect(
      read(out, 'campaigns.ndjson')
        .match(/"campaign_id":"\w+"/g)!
        .join(),
    ).toMatch(/c1.*c4.*t0.*t1/);
  });
});

const TRAINING = { adaptation: { optimiser: 'adam' } } as Training;
const pointOf = (campaigns: number, ahead: number, taken: string[]): HistoryPoint => ({
  campaigns,
  refused: null,
  result: {
    training: TRAINING,
    taken,
    report: reportOf({
      metaheac: { auc: 0.8, precision: 0.2 },
      centroid: { auc: 0.8 - ahead, precision: 0.1, ahead: { auc: interval(ahead), precision: interval(0.1) } },
    }),
  },
});
const POINTS: readonly HistoryPoint[] = [
  { campaigns: 0, result: null, refused: 'the data set has no train campaign' },
  pointOf(5, -0.02, []),
  pointOf(20, 0.05, ['no cut (on held-out campaigns)']),
];

describe('historyTable', () => {
  it('has one row per length, says why one has no result, and counts verdicts by length', () => {
    expect(wrapped(historyTable([{ name: 'films', histories: POINTS }]))).toMatchInlineSnapshot(`
      "| data set | train campaigns | AUC | best of the others | difference | precision@5% | best of the
        others | difference | taken | adaptation |
      | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |
      | films | 0 | - | - | - | - | - | - | the data set has no train campaign | |
      | films | 5 | .8000 | centroid | **-.0200 [-.0300, -.0100]** | .200 | centroid | **+.100 [+.090,
        +.110]** | nothing | |
      | films | 20 | .8000 | centroid | **+.0500 [+.0400, +.0600]** | .200 | centroid | **+.100 [+.090,
        +.110]** | no cut (on held-out campaigns) | |

      - 5 train campaigns: AUC is ahead in 0, level in 0, behind in 1; precision@5% is ahead in 1, level
        in 0, behind in 0
      - 20 train campaigns: AUC is ahead in 1, level in 0, behind in 0; precision@5% is ahead in 1, level
        in 0, behind in 0

      With 0, 1, 3, 5, 10 or 20 train campaigns, the model is behind the best other method with the same
        history by more than the 95 % interval in 1 of 4 cells (data set x history x measure), 25.0 %; 1
        histories were refused."
    `);
  });

  it('is empty if no histories were run', () => {
    expect(historyTable([{ name: 'films', histories: null }])).toBe('');
  });
});

describe('keptHistories', () => {
  it('finds them by length, and ignores their models', () => {
    const store = openPartStore(join(root, 'store'));
    expect(keptHistories(store)).toBeNull();
    for (const point of [POINTS[2]!, POINTS[1]!]) store.keep(`history-${point.campaigns}`, {}, point);
    store.keep('training-history-5', {}, TRAINING);
    expect(keptHistories(store)!.map(({ campaigns }) => campaigns)).toEqual([5, 20]);
  });
});
