/**
 * User sets contain any text, have bytes that depend only on the set, and cannot be read once altered.
 */
import { appendFileSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type IdBlocks, weightAt, withWeights } from '../../../src/domain/id-blocks.ts';
import type { Blobs } from '../../../src/domain/ports/blobs.ts';
import { differenceOf, intersectionOf, unionOf } from '../../../src/storage/files/algebra.ts';
import { FileBlobs } from '../../../src/storage/files/blobs.ts';
import { IdSorter } from '../../../src/storage/files/id-sorter.ts';
import {
  decodeIds,
  encodeIds,
  newSetName,
  SEED_FOLDER,
  userSetBlocks,
  userSetFile,
} from '../../../src/storage/files/set-file.ts';
import { writeBlocks } from '../../../src/storage/files/writer.ts';
import { temporaryFolder } from '../../fixture/folders.ts';
import { ODD_STRINGS } from '../../fixture/odd-ids.ts';
import { size } from '../../fixture/size.ts';

const anyId = fc.oneof(fc.string(), fc.string({ unit: 'binary' }), fc.constantFrom(...ODD_STRINGS));
const storageFailed = (more: object) => expect.objectContaining({ code: 'storage_failed', ...more });

/** Blobs, and their folder of sets. */
function newBlobs(): { readonly blobs: Blobs; readonly folder: string } {
  const root = temporaryFolder();
  return { blobs: new FileBlobs(root), folder: join(root, SEED_FOLDER) };
}

/** The ids of a set. */
async function readUserSet(blobs: Blobs, name: string): Promise<string[]> {
  return [...(await userSetBlocks(blobs, name))].flat();
}

/** Publishes a set; returns its name. */
async function publish(blobs: Blobs, userIds: readonly string[]): Promise<string> {
  const { sha256, blob } = await writeBlocks(blobs, [userIds]);
  const name = newSetName(sha256, 0);
  await blob.publish(userSetFile(name));
  return name;
}

function sort(blobs: Blobs, userIds: readonly string[], chunkIds: number): string[] {
  const sorter = new IdSorter(blobs, chunkIds);
  try {
    for (const userId of userIds) sorter.add(userId);
    expect(sorter.received).toBe(userIds.length);
    return [...sorter.blocks()].flat();
  } finally {
    sorter.close();
  }
}

describe('encodeIds', () => {
  it('returns any ids', () => {
    fc.assert(
      fc.property(fc.array(anyId), (userIds) => {
        expect(decodeIds(encodeIds(userIds))).toEqual(userIds);
      }),
      { numRuns: size(100, 300), examples: [[ODD_STRINGS]] },
    );
  });

  it('writes every id on a line of its own, whatever it contains', () => {
    expect(encodeIds(ODD_STRINGS).toString().split('\n').length).toBe(ODD_STRINGS.length + 1);
  });

  it('writes plain ids as they are', () => {
    expect(encodeIds(['u10', 'u2', 'ä', 'say "hi"']).toString()).toBe('u10\nu2\nä\nsay "hi"\n');
  });
});

describe('writeBlocks', () => {
  it('writes bytes that depend only on the set', async () => {
    const { blobs, folder } = newBlobs();
    const { blob, ...set } = await writeBlocks(blobs, [['a'], [], ['b', 'c']]);
    blob.discard();
    const name = await publish(blobs, ['a', 'b', 'c']);
    expect(set).toMatchObject({ sha256: name.slice(0, 64), users: 3, sizeBytes: 6 });
    expect(readFileSync(join(folder, userSetFile(name)), 'utf8')).toBe('a\nb\nc\n');
    expect(readdirSync(folder)).toEqual([userSetFile(name)]);
  });

  it('leaves nothing if its ids end with an error', async () => {
    const { blobs, folder } = newBlobs();
    function* broken(): Generator<string[]> {
      yield ['a'];
      throw new Error('no more');
    }
    await expect(writeBlocks(blobs, broken())).rejects.toThrow('no more');
    expect(readdirSync(folder)).toEqual([]);
  });
});

describe('userSetBlocks', () => {
  const many = Array.from({ length: 30_000 }, (_, i) => `user-${String(i).padStart(6, '0')}`);

  it('reads a large set block by block', async () => {
    const { blobs } = newBlobs();
    const blocks = [...(await userSetBlocks(blobs, await publish(blobs, many)))];
    expect(blocks.length).toBeGreaterThan(3);
    expect(blocks.flat()).toEqual(many);
  });

  it('reads ids that are longer than a read', async () => {
    const { blobs } = newBlobs();
    const long = ['a'.repeat(200_000), 'b', `c${'é'.repeat(70_000)}`];
    expect(await readUserSet(blobs, await publish(blobs, long))).toEqual(long);
  });

  it.each([
    ['longer', (path: string) => appendFileSync(path, 'b\n')],
    ['cut in the middle of a line', (path: string) => writeFileSync(path, readFileSync(path).subarray(0, 100_001))],
    ['other text', (path: string) => writeFileSync(path, readFileSync(path, 'utf8').replace('user-029', 'user-129'))],
    ['half a JSON string', (path: string) => writeFileSync(path, '"abc\n')],
  ])('refuses an altered file: %s', async (_, alter) => {
    const { blobs, folder } = newBlobs();
    const name = await publish(blobs, many);
    alter(join(folder, userSetFile(name)));
    const place = 'a damaged file of seeds or of a suppression list';
    const message = expect.stringContaining('is damaged');
    await expect(readUserSet(blobs, name)).rejects.toThrow(storageFailed({ message, place }));
  });

  it('reads a file to its end if it is removed meanwhile', async () => {
    const { blobs, folder } = newBlobs();
    const name = await publish(blobs, many);
    const blocks = await userSetBlocks(blobs, name);
    const first = blocks.next().value as string[];
    rmSync(join(folder, userSetFile(name)));
    expect([...first, ...[...blocks].flat()]).toEqual(many);
  });

  it('throws storage_failed if the file is gone', async () => {
    const reading = readUserSet(newBlobs().blobs, newSetName('0'.repeat(64), 0));
    await expect(reading).rejects.toThrow(storageFailed({ facts: { errno: 'ENOENT' } }));
  });
});

describe('IdSorter', () => {
  it('sorts any ids by UTF-16 code units, each once, with any number of runs', () => {
    const { blobs, folder } = newBlobs();
    const few = fc.constantFrom('a', 'b', 'c', 'd', ...ODD_STRINGS);
    fc.assert(
      fc.property(fc.array(fc.oneof(anyId, few), { maxLength: 60 }), fc.integer({ min: 1, max: 20 }), (ids, chunk) => {
        expect(sort(blobs, ids, chunk)).toEqual([...new Set(ids)].sort());
      }),
      { numRuns: size(75, 300) },
    );
    expect(readdirSync(folder)).toEqual([]);
  });

  it('merges runs that are longer than a block', () => {
    const ids = Array.from({ length: 50_000 }, (_, i) => `u${(i * 7_919) % 40_000}`);
    expect(sort(newBlobs().blobs, ids, 7_000)).toEqual([...new Set(ids)].sort());
  });

  it('keeps its temporary file only until it is closed', () => {
    const { blobs, folder } = newBlobs();
    const sorter = new IdSorter(blobs, 2);
    for (const id of ['b', 'a', 'c']) sorter.add(id);
    expect(readdirSync(folder)).toEqual([expect.stringMatching(/\.tmp$/)]);
    sorter.close();
    sorter.close();
    expect(readdirSync(folder)).toEqual([]);
  });
});

describe('union, difference and intersection', () => {
  const blocksOf = (ids: readonly string[], size: number): IdBlocks =>
    Array.from({ length: Math.ceil(ids.length / size) }, (_, i) => ids.slice(i * size, (i + 1) * size));
  const someSet = fc
    .uniqueArray(fc.oneof(fc.constantFrom(...'abcdefghijklmnopqrst'), anyId), { maxLength: 30 })
    .map((ids) => ids.sort());

  it('are those of sets, for any blocks', () => {
    const length = fc.integer({ min: 1, max: 7 });
    fc.assert(
      fc.property(someSet, someSet, length, length, (a, b, aSize, bSize) => {
        const run = (operation: typeof unionOf) => [...operation(blocksOf(a, aSize), blocksOf(b, bSize))].flat();
        expect(run(unionOf)).toEqual([...new Set([...a, ...b])].sort());
        expect(run(differenceOf)).toEqual(a.filter((id) => !b.includes(id)));
        expect(run(intersectionOf)).toEqual(a.filter((id) => b.includes(id)));
      }),
      { numRuns: size(150, 500) },
    );
  });

  it('close both files, also if their reader stops early', () => {
    const closed: string[] = [];
    function* blocks(name: string): Generator<string[]> {
      try {
        yield ['a'];
        yield ['b'];
      } finally {
        closed.push(name);
      }
    }
    for (const _ of unionOf(blocks('left'), blocks('right'))) break;
    expect(closed).toEqual(['left', 'right']);
  });
});

describe('weights of a set', () => {
  /** Ids with weights, as a set keeps them: the last weight of an id counts, and weight 1 is not written. */
  const seeds = fc.array(fc.tuple(anyId, fc.constantFrom(1, 1, 2.5, 1e-6, 1e6)), { maxLength: 60 });
  const entries = (blocks: IdBlocks) => [...blocks].flatMap((block) => block.map((id, i) => [id, weightAt(block, i)]));
  const sorted = (map: ReadonlyMap<string, number>) => [...map].sort(([a], [b]) => (a < b ? -1 : 1));
  const blocksOf = (map: ReadonlyMap<string, number>): IdBlocks => {
    const own = sorted(map);
    return [own.slice(0, 3), own.slice(3)].map((part) =>
      withWeights(
        part.map(([id]) => id),
        part.some(([, weight]) => weight !== 1) ? part.map(([, weight]) => weight) : undefined,
      ),
    );
  };

  it('are read as they were added, the last for each id, in any number of runs', async () => {
    const { blobs } = newBlobs();
    await fc.assert(
      fc.asyncProperty(seeds, fc.constantFrom(1, 4, 100), async (added, chunkIds) => {
        const sorter = new IdSorter(blobs, chunkIds);
        for (const [id, weight] of added) sorter.add(id, weight);
        const { sha256, blob, weights } = await writeBlocks(blobs, sorter.blocks());
        sorter.close();
        const name = newSetName(sha256, 0);
        await blob.publish(userSetFile(name));
        const last = new Map(added);
        expect(entries(await userSetBlocks(blobs, name))).toEqual(sorted(last));
        const own = [...last.values()].sort((a, b) => a - b);
        if (own.every((weight) => weight === 1)) expect(weights).toBeNull();
        else
          expect(weights).toEqual({
            min: own[0],
            median: own[Math.ceil(own.length / 2) - 1],
            max: own.at(-1),
            distinct: new Set(own).size,
          });
      }),
      { numRuns: size(60, 300), examples: [[ODD_STRINGS.map((id) => [id, 2.5]), 2]] },
    );
  });

  it('stay with their ids in a union, in which the added ones count, and in a difference', () => {
    fc.assert(
      fc.property(seeds, seeds, (a, b) => {
        const [before, changed] = [new Map(a), new Map(b)];
        const [left, right] = [blocksOf(before), blocksOf(changed)];
        expect(entries(unionOf(left, right))).toEqual(sorted(new Map([...before, ...changed])));
        const rest = [...before].filter(([id]) => !changed.has(id));
        expect(entries(differenceOf(left, right))).toEqual(sorted(new Map(rest)));
      }),
    );
  });

  it('write the bytes of a set without weights if all are 1', () => {
    expect(encodeIds(withWeights(['a', 'b'], [1, 1]))).toEqual(encodeIds(['a', 'b']));
    expect(encodeIds(withWeights(['a', 'b\t'], [2, 0.5])).toString()).toBe('a\t2\n"b\\t"\t0.5\n');
  });
});
