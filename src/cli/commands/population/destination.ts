/** Where imports and updates publish: a population folder, or the object storage of a cluster. */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import type { OnKept } from '../../../domain/ports/store.ts';
import { systemClock } from '../../../lib/clock.ts';
import { UsageError } from '../../../lib/errors.ts';
import { createClosedFolder, withStorage } from '../../../lib/files/durable-files.ts';
import type { Output } from '../../../lib/output.ts';
import { mebibytes } from '../../../lib/text/counted.ts';
import type { PublishedPopulation } from '../../../population/share.ts';
import { type FlagValues, settingsOf } from '../../settings.ts';
import { cacheOf } from '../chosen-store.ts';

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
  if (folder !== undefined) {
    if (values['blobs'] === undefined) return folder;
    throw new UsageError(`give either ${flag}, for a folder, or --blobs, for the object storage of a cluster`);
  }
  const { METAHEAC_BLOBS: blobs, METAHEAC_CACHE: given, limits } = settingsOf(values).values;
  if (blobs === undefined)
    throw new UsageError(
      `name a folder with ${flag}, or the object storage of a cluster: --blobs, METAHEAC_BLOBS, or blobs in a ` +
        'configuration file',
    );
  // loaded late, because imports into folders need neither
  const { openBlobFiles, requireUsableBlobs } = await import('../../../storage/open-store.ts');
  const { PublishedPopulation } = await import('../../../population/share.ts');
  await requireUsableBlobs(blobs, systemClock);
  const files = await openBlobFiles(blobs, systemClock, notesOn(output));
  const cache = cacheOf(given);
  withStorage(`create the folder ${cache}`, () => createClosedFolder(cache));
  // not the mirror of a node, which may belong to another storage
  const name = `imports-${createHash('sha256').update(blobs).digest('hex').slice(0, DIGITS)}`;
  return new PublishedPopulation({
    files,
    folder: join(cache, name),
    limitBytes: limits.mirrorBytes,
    now: systemClock.now,
  });
}

/** Describes a version and its destination in a report. */
export function describeVersion(version: string, out: string | PublishedPopulation): string {
  return `population version ${version} ${typeof out === 'string' ? `in ${out}` : 'published'}`;
}

/** Says what the rules of the bucket keep. */
export function notesOn(output: Output): OnKept {
  return ({ versions, reason }) => output.note(`the bucket keeps ${versions} versions of deleted files: ${reason}`);
}

/** Reports what had to be stored. */
export function reportStored({ stored }: Pick<PublishedPopulation, 'stored'>, output: Output): void {
  const { files, bytes, known } = stored;
  output.result(`  stored ${files} files (${mebibytes(bytes)}); ${known} were stored before`);
}
