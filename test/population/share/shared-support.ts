/** Populations that several hosts share: their users, folders and storage. */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { BlobFiles, PutCondition } from '../../../src/domain/ports/blob-files.ts';
import { untilRead } from '../../../src/domain/ports/blobs.ts';
import { importPopulation } from '../../../src/population/import.ts';
import { openPopulation, type Population } from '../../../src/population/read.ts';
import { Mirror, PublishedPopulation, publishPopulation, pullPopulation } from '../../../src/population/share.ts';
import { FolderBlobFiles } from '../../../src/storage/files/blob-files.ts';
import { temporaryFolder } from '../../fixture/folders.ts';
import { FEATURES, type TestUser, writeDataSet } from '../support.ts';

const NOW = 1_700_000_000_000;
export const now = () => NOW;
const LARGE = 2 ** 40;

/** Storage in a folder that counts what is put and fetched, and can fail. */
export class CountingFiles extends FolderBlobFiles implements BlobFiles {
  readonly puts: string[] = [];
  readonly fetches: string[] = [];
  /** Called before each put or fetch; may throw. */
  before: (name: string) => void | Promise<void> = () => {};

  override async put(name: string, data: Uint8Array, condition?: PutCondition): Promise<string | null> {
    await this.before(name);
    this.puts.push(name);
    return await super.put(name, data, condition);
  }

  override async putLarge(name: string, data: Uint8Array): Promise<void> {
    await this.before(name);
    this.puts.push(name);
    await super.put(name, data);
  }

  override async putFile(name: string, path: string): Promise<void> {
    await this.before(name);
    this.puts.push(name);
    await super.putFile(name, path);
  }

  override async fetchFile(name: string, path: string): Promise<void> {
    await this.before(name);
    this.fetches.push(name);
    await super.fetchFile(name, path);
  }
}

/** Users in `city`, numbered from `from` to `to` - 1. */
export function users(from: number, to: number, city = 'Rome'): TestUser[] {
  return Array.from({ length: to - from }, (_, i) => ({
    ...{ user_id: `user-${from + i}`, city: i % 3 === 0 ? city : `city ${(from + i) % 50}`, likes: [`like ${i % 7}`] },
  }));
}

export function newStorage(): { readonly root: string; readonly files: CountingFiles } {
  const root = temporaryFolder();
  return { root, files: new CountingFiles(root) };
}

export function publish(folder: string, files: BlobFiles, version: string | null = null) {
  return publishPopulation(folder, files, version, { now });
}

/** Copies a published version, by default the newest, into a new folder. */
export async function pull(
  files: BlobFiles,
  folder = join(temporaryFolder(), 'copy'),
  version: string | null = null,
): Promise<string> {
  await pullPopulation(files, folder, version, { now });
  return folder;
}

export function openMirror(files: BlobFiles, folder = join(temporaryFolder(), 'mirror'), limitBytes = LARGE) {
  return Mirror.open({ files, folder, limitBytes, now });
}

/** Imports users straight into the storage, as a host with an empty folder unless one is given. */
export async function importInto(
  files: BlobFiles,
  from: readonly TestUser[],
  { folder = join(temporaryFolder(), 'mirror'), readmitErased = false, now: clock = now } = {},
) {
  const source = writeDataSet(join(temporaryFolder(), 'data'), from);
  const out = new PublishedPopulation({ files, folder, limitBytes: LARGE, now: clock });
  const result = await importPopulation({ source, features: FEATURES, out, readmitErased });
  return { result, stored: out.stored };
}

/** The names of all files in a folder and below. */
export function namesIn(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}

export function bytesIn(folder: string): number {
  return existsSync(folder)
    ? namesIn(folder).reduce((sum, path) => sum + (statSync(path, { throwIfNoEntry: false })?.size ?? 0), 0)
    : 0;
}

/** All bytes in a folder and below, to find ids in them. */
export function textIn(folder: string): string {
  return namesIn(folder)
    .map((path) => readFileSync(path, 'latin1'))
    .join('\n');
}

/** Opens a version of a mirror like a service: everything but its segments is there. */
export async function openIn(mirror: Mirror, version = mirror.newest!): Promise<Population> {
  (await mirror.take(version))();
  return openPopulation(mirror.folder, { version });
}

/** The rows of all segments, as text; missing segments are fetched. */
export async function rowsOf(population: Population): Promise<string[]> {
  const rows: string[] = [];
  for (let segment = 0; segment < population.segmentCount; segment++) {
    const { userNumbers, columns } = await untilRead(() => population.readSegment(segment));
    const city = columns.get('city')!;
    const likes = columns.get('likes')!;
    if (city.kind !== 'single' || likes.kind !== 'multi') throw new Error('a city and likes were expected');
    for (const [i, user] of userNumbers.entries())
      rows.push(`${user} ${city.codes[i]} ${likes.codes.subarray(likes.offsets[i]!, likes.offsets[i + 1]!)}`);
  }
  return rows;
}

export const segmentsIn = (folder: string, version: string) =>
  Array.from({ length: 100 }, (_, i) => `segments/${String(i).padStart(6, '0')}.arrow`).filter((path) =>
    existsSync(join(folder, version, path)),
  );
