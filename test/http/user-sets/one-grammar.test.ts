/** Uploads of CSV read the same records from the same files as the other readers. */
import { describe, expect, it } from 'vitest';
import { CsvColumn } from '../../../src/http/user-sets/upload-csv.ts';
import { LineErrors, uploadLines } from '../../../src/http/user-sets/upload-lines.ts';
import { NASTY_CSV } from '../../fixture/nasty-csv.ts';
import { refusalOf } from '../../population/support.ts';

async function read(content: string, chunkBytes: number): Promise<string[]> {
  const bytes = Buffer.from(content);
  async function* chunks() {
    for (let at = 0; at < bytes.length; at += chunkBytes) yield bytes.subarray(at, at + chunkBytes);
  }
  const ids: string[] = [];
  const errors = new LineErrors(10);
  const column = new CsvColumn({ name: 'user_id' }, 64 * 1024, errors, (id) => ids.push(id));
  for await (const lines of uploadLines(chunks(), 64 * 1024, errors, column.skipsBlank)) column.read(lines);
  column.end();
  errors.throwIfAny();
  return ids;
}

describe('an upload of CSV', () => {
  it.each(NASTY_CSV)('takes $name', async ({ content, ids }) => {
    for (const chunkBytes of [1, 7, 1 << 16]) {
      if (!('refusedAt' in ids)) expect(await read(content, chunkBytes)).toEqual(ids);
      else {
        const { details } = await refusalOf(() => read(content, chunkBytes));
        expect(details[0]!.pointer).toBe(`line ${ids.refusedAt}`);
      }
    }
  });
});
