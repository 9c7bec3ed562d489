/** Makes a user set of a file of ids, as an upload of the file would. */
import type { Blobs } from '../../domain/ports/blobs.ts';
import { weightAt, withWeights } from '../../domain/user-sets.ts';
import { decodeIds, newSetName, userSetFile } from './set-file.ts';
import { writeBlocks } from './writer.ts';

/**
 * Writes the ids of `text`, one per line in any order, and returns the name of the set. A weight may follow an id after
 * a tab; the last weight of a repeated id counts.
 * @throws AppError storage_failed
 */
export async function setFromText(blobs: Blobs, text: string): Promise<string> {
  const lines = decodeIds(Buffer.from(`${text.replaceAll('\r\n', '\n').trimEnd()}\n`));
  const weights = new Map(lines.map((id, i) => [id, weightAt(lines, i)]));
  weights.delete('');
  const userIds = [...weights.keys()].sort();
  const block = withWeights(
    userIds,
    userIds.map((id) => weights.get(id)!),
  );
  const { sha256, blob } = await writeBlocks(blobs, [block]);
  const name = newSetName(sha256, 0);
  await blob.publish(userSetFile(name));
  return name;
}
