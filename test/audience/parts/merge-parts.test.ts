/** A ranking that is merged from parts has the bytes of one that is written at once. */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MERGE_LIMITS, type MergeLimits, mergeParts } from '../../../src/audience/parts/merge-parts.ts';
import { NARROW_USERS, PART_FILE, SortSpace, writePart } from '../../../src/audience/parts/write-part.ts';
import { writeRanking } from '../../../src/audience/write-ranking.ts';
import { FileBlobs } from '../../../src/storage/files/blobs.ts';
import { temporaryFolder } from '../../fixture/folders.ts';
import { RemoteBlobs } from '../../fixture/remote-blobs.ts';
import { anyScore, type Divided, divided, erasedOf, NOBODY, partsOf, withoutUsers } from './divided-scores.ts';

const root = temporaryFolder();
const blobs = new FileBlobs(root);
const beside = new Map([['customised.bin', Uint8Array.of(1, 2, 3)]]);
// holds what earlier sorts left in it
const space = new SortSpace();
let made = 0;

function bytesOf(folder: string): Record<string, string> {
  const path = join(root, folder);
  return Object.fromEntries(readdirSync(path).map((file) => [file, readFileSync(join(path, file)).toString('hex')]));
}

/** The bytes of the ranking that is written at once, without the erased users. */
async function whole({ scores, erased }: Divided): Promise<Record<string, string>> {
  const folder = `whole-${made++}`;
  await writeRanking(blobs, folder, withoutUsers(scores, erased), beside);
  return bytesOf(folder);
}

async function merged(
  data: Divided,
  { limits = MERGE_LIMITS, narrowUsers = NARROW_USERS, isRemote = false } = {},
): Promise<Record<string, string>> {
  const folder = `merged-${made++}`;
  const parts = await Promise.all(
    partsOf(data).map(async (candidates, i) => {
      await writePart(blobs, `${folder}-part-${i}`, candidates, { narrowUsers, space });
      return `${folder}-part-${i}`;
    }),
  );
  const { scores, erased } = data;
  const source = isRemote ? new RemoteBlobs(root) : blobs;
  await mergeParts(source, folder, { parts, users: scores.length, erased: erasedOf(erased), beside }, limits);
  return bytesOf(folder);
}

const smallLimits: fc.Arbitrary<MergeLimits> = fc.record({
  sliceUsers: fc.integer({ min: 1, max: 40 }),
  windowUsers: fc.integer({ min: 1, max: 30 }).map((blocks) => blocks * 4096),
  bufferBytes: fc.constant(0),
});

describe('mergeParts', () => {
  it('writes the bytes of writeRanking for any scores, parts, erased users and limits', {
    timeout: 120_000,
  }, async () => {
    await fc.assert(
      fc.asyncProperty(
        divided(anyScore, 120),
        smallLimits,
        fc.constantFrom(1, 5000, NARROW_USERS),
        fc.boolean(),
        async (data, limits, narrowUsers, isRemote) => {
          expect(await merged(data, { limits, narrowUsers, isRemote })).toEqual(await whole(data));
        },
      ),
      { numRuns: 50 },
    );
  });

  it('divides slices of equal scores by user number', async () => {
    const scores = new Float32Array(200_000).fill(0.5);
    scores.fill(Number.NaN, 1000, 2000);
    for (const partOf of [(user: number) => user % 3, (user: number) => Math.floor(user / 70_000)]) {
      const data = { scores, partOf: Array.from(scores, (_, user) => partOf(user)), parts: 3, erased: NOBODY };
      const limits = { sliceUsers: 1000, windowUsers: 65_536, bufferBytes: 0 };
      expect(await merged(data, { limits, narrowUsers: 1 })).toEqual(await whole(data));
    }
  });

  it('merges empty parts, and no parts at all', async () => {
    const nobody = Float32Array.of(Number.NaN, Number.NaN);
    expect(await merged({ scores: nobody, partOf: [0, 1], parts: 2, erased: NOBODY })).toEqual(
      await whole({ scores: nobody, partOf: [], parts: 0, erased: NOBODY }),
    );
    const none = { scores: new Float32Array(0), partOf: [], parts: 0, erased: NOBODY };
    expect(await merged(none)).toEqual(await whole(none));
  });

  it('fails if a part is damaged, and leaves no folder', async () => {
    await writePart(blobs, 'bad', { userNumbers: Uint32Array.of(3, 1), scores: Float32Array.of(0.5, 0.25) });
    const path = join(root, 'bad', PART_FILE);
    const bytes = readFileSync(path);
    const merge = { parts: ['bad'], users: 4, erased: erasedOf(NOBODY), beside };
    bytes.writeUInt32LE(2, bytes.length - 4);
    writeFileSync(path, bytes);
    await expect(mergeParts(blobs, 'of-bad', merge)).rejects.toThrow('does not match its checksum');
    writeFileSync(path, bytes.subarray(1));
    await expect(mergeParts(blobs, 'of-bad', merge)).rejects.toThrow('has 31 bytes, not 32');
    await expect(mergeParts(blobs, 'of-bad', { ...merge, parts: ['missing'] })).rejects.toThrow('missing');
    expect(await blobs.has('of-bad')).toBe(false);
  });

  it('ends when its turn throws, and leaves no folder', async () => {
    await writePart(blobs, 'wanted', { userNumbers: Uint32Array.of(3, 1), scores: Float32Array.of(0.5, 0.25) });
    const onTurn = () => {
      throw new Error('no longer wanted');
    };
    const merge = { parts: ['wanted'], users: 4, erased: erasedOf(NOBODY), beside, onTurn };
    await expect(mergeParts(blobs, 'unwanted', merge)).rejects.toThrow('no longer wanted');
    expect(await blobs.has('unwanted')).toBe(false);
    mkdirSync(join(root, 'unwanted'));
  });
});
