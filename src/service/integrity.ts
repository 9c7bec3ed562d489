/**
 * Everything that can be checked against a checksum: user sets, rankings, database rows, and the files of a population
 * version.
 */
import { basename, relative } from 'node:path';
import { checkRanking } from '../audience/check-ranking.ts';
import type { StoreContents, StoreUpkeep, Verdict } from '../domain/ports/upkeep.ts';
import { checkFile, filesOfVersion, isCut } from '../population/read.ts';
import { checkUserSet } from '../storage/open-store.ts';
import type { Damage } from './ports/health.ts';

export interface Item extends Pick<Damage, 'kind' | 'path'> {
  /** Whether something still refers to the item. */
  isNeeded(contents: StoreContents): boolean;
  /** Yields the number of bytes of each slice that it reads. @throws AppError storage_failed if the disk fails */
  check(): AsyncGenerator<number, Verdict, void>;
}

export interface PopulationVersion {
  readonly folder: string;
  readonly version: string;
}

/** The files that rows refer to: user sets, then rankings. */
export function* itemsOfStore(upkeep: StoreUpkeep, { sets, rankings }: StoreContents): Generator<Item, void, void> {
  for (const name of sets) yield setItem(upkeep, name);
  for (const folder of rankings) yield rankingItem(upkeep, folder);
}

/**
 * The files of a population version. With `onlyCut`, only missing and truncated files are returned; finding these files
 * takes a microsecond per file.
 * @throws AppError invalid_population if the manifest is damaged
 */
export function itemsOfPopulation(population: PopulationVersion | null, onlyCut = false): Item[] {
  if (population === null) return [];
  const { folder, version } = population;
  return filesOfVersion(folder, version)
    .filter((file) => !onlyCut || isCut(file))
    .map((file) => ({
      kind: 'population',
      path: relative(folder, file.path),
      isNeeded: () => true,
      async *check() {
        const isWhole = yield* checkFile(folder, file);
        return { fault: isWhole ? null : `the file does not match what version ${version} recorded` };
      },
    }));
}

/** The item that was reported as damaged; null if this version of the population has no such file. */
export function itemOf({ kind, path }: Damage, upkeep: StoreUpkeep, population: PopulationVersion | null): Item | null {
  if (kind === 'user_set') return setItem(upkeep, basename(path, '.txt'));
  if (kind === 'ranking') return rankingItem(upkeep, path);
  if (kind === 'population') return itemsOfPopulation(population).find((item) => item.path === path) ?? null;
  const [table, ...id] = path.split('/');
  return {
    ...{ kind, path, isNeeded: () => true },
    // biome-ignore lint/correctness/useYield: one row is read at once
    async *check() {
      return { fault: (await upkeep.isDamaged({ table: table!, id: id.join('/') })) ? 'its checksum differs' : null };
    },
  };
}

function setItem({ blobs }: StoreUpkeep, name: string): Item {
  return {
    ...{ kind: 'user_set', path: `seeds/${name}.txt` },
    isNeeded: ({ sets }) => sets.has(name),
    check: () => checkUserSet(blobs, name),
  };
}

function rankingItem({ blobs }: StoreUpkeep, folder: string): Item {
  return {
    ...{ kind: 'ranking', path: folder },
    isNeeded: ({ rankings }) => rankings.has(folder),
    check: () => checkRanking(blobs, folder),
  };
}
