/** Makes a user set of a file of ids, as an upload of the file would. */
import type { Blobs } from '../../domain/ports/blobs.ts';
import { weightAt } from '../../domain/user-sets.ts';
import { IdSorter } from './id-sorter.ts';
import { decodeIds, newSetName, userSetFile } from './set-file.ts';
import { writeBlocks } from './writer.ts';

/**
 * Writes the ids of `text`, one per line in any order, and returns the name of the set. A weight may follow an id after
 * a tab, and features as JSON may follow the weight; the last line of a repeated id counts.
 * @throws AppError storage_failed
 */
export async function setFromText(blobs: Blobs, text: string): Promise<string> {
  const lines = decodeIds(Buffer.from(`${text.replaceAll('\r\n', '\n').trimEnd()}\n`));
  const sorter = new IdSorter(blobs);
  try {
    for (const [i, id] of lines.entries()) if (id !== '') sorter.add(id, weightAt(lines, i), lines.features?.[i]);
    const { sha256, blob } = await writeBlocks(blobs, sorter.blocks());
    const name = newSetName(sha256, 0);
    await blob.publish(userSetFile(name));
    return name;
  } finally {
    sorter.close();
  }
}
