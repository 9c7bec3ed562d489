/** `metaheac population publish`, `pull` and `prune-published`. */
import { systemClock } from '../../../lib/clock.ts';
import type { Output } from '../../../lib/output.ts';
import { mebibytes } from '../../../lib/text/counted.ts';
import { prunePublished, publishPopulation, pullPopulation } from '../../../population/share.ts';
import { openBlobFiles, requireUsableBlobs } from '../../../storage/open-store.ts';
import { notesOn } from './destination.ts';

interface ShareOptions {
  readonly version?: string;
  readonly json?: boolean;
}

/** Copies a version of a population folder to the object storage of a cluster. */
export async function populationPublishCommand(
  dir: string,
  blobs: string,
  { version = undefined, json = false }: ShareOptions,
  output: Output,
): Promise<void> {
  await requireUsableBlobs(blobs, systemClock);
  const files = await openBlobFiles(blobs, systemClock, notesOn(output));
  const published = await publishPopulation(dir, files, version ?? null, {
    now: systemClock.now,
    onProgress: ({ files: done, of }) => output.progress(`${done} of ${of} files`),
  });
  if (json) output.result(JSON.stringify(published));
  else {
    const { version: name, files: stored, bytes, known } = published;
    output.result(
      `published version ${name}: stored ${stored} files (${mebibytes(bytes)}); ${known} were stored before`,
    );
  }
}

/** Copies a published version into a new population folder. */
export async function populationPullCommand(
  dir: string,
  blobs: string,
  { version = undefined, json = false }: ShareOptions,
  output: Output,
): Promise<void> {
  const files = await openBlobFiles(blobs, systemClock, notesOn(output));
  const pulled = await pullPopulation(files, dir, version ?? null, {
    now: systemClock.now,
    onProgress: ({ segments, of }) => output.progress(`${segments} of ${of} segments`),
  });
  if (json) output.result(JSON.stringify(pulled));
  else {
    output.result(
      `pulled version ${pulled.version} into ${dir}: ${pulled.users} users; fetched ${pulled.files} files ` +
        `(${mebibytes(pulled.bytes)})`,
    );
  }
}

/** Removes old versions from the object storage of a cluster. */
export async function populationPrunePublishedCommand(
  blobs: string,
  {
    keep,
    served,
    json = false,
  }: { readonly keep: number; readonly served: readonly string[]; readonly json?: boolean },
  output: Output,
): Promise<void> {
  const files = await openBlobFiles(blobs, systemClock, notesOn(output));
  const removed = await prunePublished(files, { keep, served, now: systemClock.now });
  if (json) output.result(JSON.stringify(removed));
  else {
    for (const version of removed.versions) output.result(`removed ${version}`);
    output.result(`deleted ${removed.files} files (${mebibytes(removed.bytes)})`);
  }
}
