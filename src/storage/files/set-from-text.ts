/** Creates a user set from a file of ids, as an upload of the file would. */
import { weightAt } from '../../domain/id-blocks.ts';
import type { Blobs } from '../../domain/ports/blobs.ts';
import { IdSorter } from './id-sorter.ts';
import { decodeIds, newSetName, userSetFile } from './set-file.ts';
import { writeBlocks } from './writer.ts';

/** A user id with its weight and its features as JSON. */
export type SentId = readonly [userId: string, weight: number, features?: string | undefined];

/**
 * Reads ids from `text`, one per line. An id may be followed by a tab and a weight, which may be empty, and then by
 * another tab and features as JSON.
 */
export function* idsInText(text: string): Generator<SentId, void, void> {
  const lines = decodeIds(Buffer.from(`${text.replaceAll(/\t?\r?\n/g, '\n').trimEnd()}\n`));
  for (const [i, id] of lines.entries()) if (id !== '') yield [id, weightAt(lines, i), lines.features?.[i]];
}

/**
 * Writes ids, in any order, and returns the name of the set. If an id is repeated, its last weight and features count.
 * @throws AppError storage_failed; the errors of `ids`
 */
export async function setFromIds(blobs: Blobs, ids: Iterable<SentId>): Promise<string> {
  const sorter = new IdSorter(blobs);
  try {
    for (const id of ids) sorter.add(...id);
    const { sha256, blob } = await writeBlocks(blobs, sorter.blocks());
    const name = newSetName(sha256, 0);
    await blob.publish(userSetFile(name));
    return name;
  } finally {
    sorter.close();
  }
}
