/** The file of ids that `population erase` reads. */
import { lineError } from '../../../dataset/lines.ts';
import { AppError } from '../../../lib/errors.ts';
import type { LineBatch } from '../../../lib/text/lines.ts';
import { IMPORT_LIMITS } from '../../../population/import.ts';

/** Maximum number of ids per call. */
const MAXIMUM_IDS = 1_000_000;
/** Matches a table header, which would otherwise be mistaken for an id. */
const HEADER = /^"?user_?id"?([,;\t]|$)/i;

/**
 * Reads distinct ids, one per line, and skips empty lines.
 * @throws AppError invalid_data (file:line): a header, UTF-16, an id that is too long, too many ids, or no ids
 */
export async function readEraseIds(batches: AsyncIterable<LineBatch>, path: string): Promise<string[]> {
  const ids = new Set<string>();
  for await (const { firstLine, lines } of batches) {
    for (const [i, line] of lines.entries()) {
      if (firstLine + i === 1 && HEADER.test(line))
        throw lineError(path, 1, 'this line is the header of a table: give only the ids, one per line');
      if (line === '') continue;
      if (line.includes('\0'))
        throw lineError(path, firstLine + i, 'the line contains a NUL byte: the file must be UTF-8');
      if (Buffer.byteLength(line) > IMPORT_LIMITS.maximumUserIdBytes)
        throw lineError(path, firstLine + i, `the id is longer than ${IMPORT_LIMITS.maximumUserIdBytes} bytes`);
      ids.add(line);
      if (ids.size > MAXIMUM_IDS)
        throw lineError(path, firstLine + i, `there are more than ${MAXIMUM_IDS} ids: split the file`);
    }
  }
  if (ids.size === 0) throw new AppError('invalid_data', `${path} has no ids`);
  return [...ids];
}
