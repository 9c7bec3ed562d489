import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { membershipOf } from '../../src/audience/membership.ts';
import { RankingCache } from '../../src/audience/ranking-cache.ts';
import { writeRanking } from '../../src/audience/write-ranking.ts';
import { type BlobReader, PartMissing } from '../../src/domain/ports/blobs.ts';
import { FileBlobs } from '../../src/storage/files/blobs.ts';
import { temporaryFolder } from '../fixture/folders.ts';
import { openFiles } from '../fixture/open-files.ts';
import { RemoteBlobs } from '../fixture/remote-blobs.ts';
import { whole } from '../fixture/whole-audience.ts';

const root = temporaryFolder();
const blobs = new FileBlobs(root);
const folders = ['zero', 'one', 'two'];
for (const [i, folder] of folders.entries()) await writeRanking(blobs, folder, Float32Array.of(i / 4, 0.9));
const [zero, one, two] = folders as [string, string, string];

/** The rankings that this process has open. */
function open(): string[] {
  const paths = openFiles(root);
  return [...folders, 'doomed'].filter((folder) =>
    paths.some((path) => path.includes(join(root, folder, 'scores.f32'))),
  );
}

interface Gate {
  readonly passed: Promise<void>;
  readonly open: () => void;
}

function gate(): Gate {
  const { promise: passed, resolve: open } = Promise.withResolvers<void>();
  return { passed, open };
}

/** A part that can be read once its gate is open and it has been fetched. */
function latePart(): { readonly read: () => void; readonly open: () => void } {
  const { passed, open } = gate();
  let isFetched = false;
  const fetch = async () => {
    await passed;
    isFetched = true;
  };
  const read = () => {
    if (!isFetched) throw new PartMissing(fetch);
  };
  return { read, open };
}

/** Blobs whose sidecars are read only once a gate is open, and the folders that were opened. */
function gatedBlobs(gates: Readonly<Record<string, Gate>>): { blobs: BlobReader; opened: string[] } {
  const opened: string[] = [];
  return {
    opened,
    blobs: {
      has: (folder) => blobs.has(folder),
      open: (folder, file) => blobs.open(folder, file),
      async read(folder, file) {
        opened.push(folder);
        const data = await blobs.read(folder, file);
        await gates[folder]?.passed;
        return data;
      },
    },
  };
}

function newCache(of: BlobReader, openRankings = 1): RankingCache {
  return new RankingCache(of, { openRankings, memoryBytes: 1024 });
}

const rankOf = (cache: RankingCache, folder: string) => cache.use(folder, (ranking) => ranking.rankOf(1));

it('opens a ranking once for all who miss it at the same time, and answers at once from then on', async () => {
  const gates = { [one]: gate() };
  const gated = gatedBlobs(gates);
  const cache = newCache(gated.blobs);
  const all = [rankOf(cache, one), rankOf(cache, one), cache.hold(one, (ranking) => ranking.rankOf(1))] as const;
  await nextTurn();
  gates[one]!.open();
  const [first, second, held] = await Promise.all(all);
  expect([first, second, held.opened, gated.opened]).toEqual([1, 1, 1, [one]]);
  expect(rankOf(cache, one)).toBe(1);
  held.close();
  cache.closeAll();
  expect(open()).toEqual([]);
});

it('rejects all who wait for a ranking that cannot be opened, and tries again for the next', async () => {
  const gates = { gone: gate() };
  const damaged: string[] = [];
  const cache = newCache({
    ...gatedBlobs({}).blobs,
    read: async (folder, file) => {
      await gates.gone.passed;
      return await blobs.read(folder, file);
    },
  });
  cache.onDamage((folder) => damaged.push(folder));
  const all = [rankOf(cache, 'gone'), cache.hold('gone', () => {}), rankOf(cache, 'gone')];
  gates.gone.open();
  const results = await Promise.allSettled(all);
  expect(results.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);
  expect(damaged).toEqual(['gone']);
  await writeRanking(blobs, 'gone', Float32Array.of(0.5, 1));
  expect(await rankOf(cache, 'gone')).toBe(1);
  cache.closeAll();
});

it('lets those who waited read a ranking that others evicted before they went on', async () => {
  const gates = { [zero]: gate(), [one]: gate(), [two]: gate() };
  const cache = newCache(gatedBlobs(gates).blobs);
  const all = folders.map((folder) => rankOf(cache, folder));
  for (const each of Object.values(gates)) each.open();
  expect(await Promise.all(all)).toEqual([1, 1, 1]);
  expect(open()).toHaveLength(1);
  cache.closeAll();
});

it('opens a ranking anew for those who ask after it was forgotten, and keeps only the new one', async () => {
  const gates: Record<string, Gate> = { [one]: gate() };
  const gated = gatedBlobs(gates);
  const cache = newCache(gated.blobs);
  const early = cache.hold(one, () => {});
  await nextTurn();
  cache.forget(one);
  const first = gates[one]!;
  gates[one] = gate();
  const late = rankOf(cache, one);
  await nextTurn();
  expect(gated.opened).toEqual([one, one]);
  gates[one]!.open();
  expect(await late).toBe(1);
  first.open();
  const held = await early;
  expect(rankOf(cache, one)).toBe(1);
  expect(gated.opened).toHaveLength(2);
  cache.forget(one);
  expect(open()).toEqual([one]);
  held.close();
  expect(open()).toEqual([]);
  cache.closeAll();
});

it('does not keep a ranking that was deleted while it was being opened', async () => {
  await writeRanking(blobs, 'doomed', Float32Array.of(0.5, 1));
  const order = gate();
  const cache = newCache({
    ...gatedBlobs({}).blobs,
    async open(folder, file) {
      const blob = await blobs.open(folder, file);
      if (file === 'order.u32') await order.passed;
      return blob;
    },
  });
  const rank = rankOf(cache, 'doomed');
  await nextTurn();
  expect(open()).toEqual(['doomed']);
  await blobs.delete('doomed');
  await cache.forgetDeleted();
  order.open();
  expect(await rank).toBe(1);
  expect(open()).toEqual([]);
  cache.closeAll();
});

it('closes a ranking that is opened after the cache was closed, and gives it to nobody', async () => {
  const gates = { [one]: gate() };
  const cache = newCache(gatedBlobs(gates).blobs);
  const all = [rankOf(cache, one), cache.hold(one, () => {})];
  await nextTurn();
  cache.closeAll();
  gates[one]!.open();
  for (const each of all) await expect(each).rejects.toThrow('cache is closed');
  expect(open()).toEqual([]);
});

it('opens a limited number of rankings at the same time', async () => {
  const names = Array.from({ length: 40 }, (_, i) => `many-${i}`);
  for (const name of names) await writeRanking(blobs, name, Float32Array.of(0.5, 1));
  const all = gate();
  const gated = gatedBlobs(Object.fromEntries(names.map((name) => [name, all])));
  const cache = newCache(gated.blobs);
  const ranks = names.map((name) => rankOf(cache, name));
  await nextTurn();
  expect(gated.opened).toEqual(names.slice(0, 16));
  all.open();
  expect(await Promise.all(ranks)).toEqual(names.map(() => 1));
  expect(gated.opened).toEqual(names);
  cache.closeAll();
});

it('keeps a ranking open while a part of it is fetched, although others evict it, and not longer', async () => {
  const part = latePart();
  const cache = newCache(blobs);
  await rankOf(cache, zero);
  const work = cache.use(zero, (ranking) => {
    part.read();
    return ranking.rankOf(1);
  });
  await nextTurn();
  await rankOf(cache, one);
  expect(open()).toEqual([zero, one]);
  part.open();
  expect(await work).toBe(1);
  expect(open()).toEqual([one]);
  cache.closeAll();
});

it('fails the work whose part comes after the cache was closed, and reads nothing through closed files', async () => {
  const part = latePart();
  const cache = newCache(blobs);
  await rankOf(cache, zero);
  const work = cache.use(zero, (ranking) => {
    part.read();
    return ranking.rankOf(1);
  });
  cache.closeAll();
  part.open();
  await expect(work).rejects.toThrow('is closed');
  expect(open()).toEqual([]);
});

it('releases a ranking whose first reader fails', async () => {
  const cache = newCache(blobs);
  const refusal = new Error('refused');
  await expect(
    cache.hold(zero, () => {
      throw refusal;
    }),
  ).rejects.toBe(refusal);
  await rankOf(cache, one);
  expect(open()).toEqual([one]);
  cache.closeAll();
});

it('keeps the members of an audience in memory, although each step has to fetch a part first', async () => {
  const cache = newCache(new RemoteBlobs(root));
  const find = () => cache.use(two, (ranking) => membershipOf(ranking, whole(2), 1), { audience: whole(2) });
  const expected = { rank: 1, score: Math.fround(0.9), percentile: 100 };
  for (let i = 0; i < 4_000 && cache.kept(two, whole(2)) === null; i++) {
    expect(await find()).toEqual(expected);
    if (i % 64 === 0) await nextTurn();
  }
  expect(cache.kept(two, whole(2))).not.toBe(null);
  expect(find()).toEqual(expected);
  cache.closeAll();
});
