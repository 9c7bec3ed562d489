/** Where imports and updates publish: a population folder, or the object storage of a cluster. */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import type { BlobFiles } from '../../../domain/ports/blob-files.ts';
import type { OnKept } from '../../../domain/ports/store.ts';
import { systemClock } from '../../../lib/clock.ts';
import { UsageError } from '../../../lib/errors.ts';
import { createClosedFolder, withStorage } from '../../../lib/files/durable-files.ts';
import type { Output } from '../../../lib/output.ts';
import type { PartNumber, PartOfImport, PublishedPopulation } from '../../../population/share.ts';
import { type FlagValues, settingsOf } from '../../settings.ts';
import { cacheOf } from '../serve/cluster-settings.ts';

/** Number of hex digits that tell the caches of several storages apart. */
const DIGITS = 12;

/**
 * Returns the folder that `flag` names, or else the published population of the storage in the settings.
 * @throws UsageError if neither or both are given
 */
export async function destinationOf(
  folder: string | undefined,
  flag: string,
  values: FlagValues,
  output: Output,
): Promise<string | PublishedPopulation> {
  if (folder === undefined) return (await storageOf(`a folder with ${flag}`, values, output)).published();
  if (values['blobs'] === undefined) return folder;
  throw new UsageError(`give either ${flag}, for a folder, or --blobs, for the object storage of a cluster`);
}

/** The storage in the settings, as a destination of imports. */
export interface StorageDestination {
  readonly files: BlobFiles;
  published(): PublishedPopulation;
  part(number: PartNumber): PartOfImport;
}

/** `orElse` names what else could be given. @throws UsageError if the settings name no storage */
export async function storageOf(
  orElse: string | null,
  values: FlagValues,
  output: Output,
): Promise<StorageDestination> {
  const { METAHEAC_BLOBS: blobs, METAHEAC_CACHE: given, limits } = settingsOf(values, output).values;
  if (blobs === undefined)
    throw new UsageError(
      `name ${orElse === null ? '' : `${orElse}, or `}the object storage of a cluster: --blobs, METAHEAC_BLOBS, or ` +
        'blobs in a configuration file',
    );
  // loaded late, because imports into folders need neither
  const { openBlobFiles, requireUsableBlobs } = await import('../../../storage/open-store.ts');
  const { PartOfImport, PublishedPopulation } = await import('../../../population/share.ts');
  await requireUsableBlobs(blobs, systemClock);
  const files = await openBlobFiles(blobs, systemClock, notesOn(output));
  const cache = cacheOf(given);
  withStorage(`create the folder ${cache}`, () => createClosedFolder(cache));
  // not the mirror of a node, which may belong to another storage
  const name = `imports-${createHash('sha256').update(blobs).digest('hex').slice(0, DIGITS)}`;
  const mirror = { files, folder: join(cache, name), limitBytes: limits.mirrorBytes, now: systemClock.now };
  return {
    files,
    published: () => new PublishedPopulation(mirror),
    part: (number) => new PartOfImport(mirror, number),
  };
}

/** Names a version and its destination in a report. */
export function describeVersion(version: string, out: string | PublishedPopulation | PartOfImport): string {
  if (typeof out === 'string') return `population version ${version} in ${out}`;
  return isPart(out) ? `part ${out.number.part} of ${out.number.parts}` : `population version ${version} published`;
}

export function isPart(out: string | PublishedPopulation | PartOfImport): out is PartOfImport {
  return typeof out !== 'string' && 'number' in out;
}

/** Says what the rules of the bucket keep. */
export function notesOn(output: Output): OnKept {
  return ({ versions, reason }) => output.note(`the bucket keeps ${versions} versions of deleted files: ${reason}`);
}

/** Reports what had to be stored. */
export function reportStored({ stored }: Pick<PublishedPopulation, 'stored'>, output: Output): void {
  const { files, bytes, known } = stored;
  output.result(`  stored ${files} files (${(bytes / 2 ** 20).toFixed(1)} MiB); ${known} were stored before`);
}
