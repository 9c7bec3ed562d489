/** The end of an audience is found in parts as in the ranking that is merged from them. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cutOfParts } from '../../../src/audience/parts/cut-of-parts.ts';
import { RankingPart } from '../../../src/audience/parts/ranking-part.ts';
import { writePart } from '../../../src/audience/parts/write-part.ts';
import { openRanking } from '../../../src/audience/ranking.ts';
import { writeRanking } from '../../../src/audience/write-ranking.ts';
import { temporaryFolder } from '../../fixture/folders.ts';
import { promisedBlobs } from '../../fixture/promised-blobs.ts';
import { anyScore, type Divided, divided, erasedOf, NOBODY, partsOf, withoutUsers } from './divided-scores.ts';

const root = temporaryFolder();
const blobs = promisedBlobs(root);
let made = 0;

async function openParts(data: Divided): Promise<RankingPart[]> {
  return Promise.all(
    partsOf(data).map(async (candidates) => {
      const folder = `part-${made++}`;
      await writePart(blobs, folder, candidates);
      return RankingPart.open(blobs, folder);
    }),
  );
}

describe('cutOfParts', () => {
  it('agrees with the cut of the whole ranking', { timeout: 120_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(divided(anyScore, 60), async (data) => {
        const folder = `whole-${made++}`;
        const { candidates } = await writeRanking(blobs, folder, withoutUsers(data.scores, data.erased));
        const ranking = await openRanking(blobs, folder);
        const parts = await openParts(data);
        const sizes = [0, 1, 2, Math.floor(candidates / 2), candidates - 1, candidates, candidates + 1];
        for (const size of sizes)
          expect(await cutOfParts(parts, size, erasedOf(data.erased))).toEqual(ranking.cut(Math.max(0, size)));
        for (const open of [ranking, ...parts]) open.close();
      }),
      { numRuns: 40 },
    );
  });

  it('reads only the entries of the bin in which the audience ends', async () => {
    const scores = Float32Array.from({ length: 1000 }, (_, user) => (user < 500 ? 0.75 : 0.25));
    const data = { scores, partOf: Array.from(scores, (_, user) => user % 2), parts: 2, erased: NOBODY };
    const parts = await openParts(data);
    let entries = 0;
    for (const part of parts) {
      const read = part.readEntries.bind(part);
      part.readEntries = (into, from) => {
        entries += into.length / 2;
        return read(into, from);
      };
    }
    expect(await cutOfParts(parts, 501, erasedOf(NOBODY))).toEqual({ size: 501, score: 0.25, userNumber: 500 });
    // the three digits below the bin, and the last entry itself
    expect(entries).toBeLessThanOrEqual(4 * 500);
    for (const part of parts) part.close();
  });
});
