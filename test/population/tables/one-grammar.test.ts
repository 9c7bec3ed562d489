/** The import takes the same records of the same CSV files as the other readers. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { openRows } from '../../../src/dataset/open-rows.ts';
import { BadRows } from '../../../src/population/import/bad-rows.ts';
import { IMPORT_LIMITS } from '../../../src/population/import/import-limits.ts';
import { readUserIds } from '../../../src/population/import/user-ids.ts';
import { useFolders } from '../../fixture/folders.ts';
import { NASTY_CSV } from '../../fixture/nasty-csv.ts';
import { refusalOf } from '../support.ts';

const newFolder = useFolders();

function write(content: string): string {
  const path = join(newFolder(), 'users.csv');
  writeFileSync(path, content);
  return path;
}

async function read(path: string, maximum = 0): Promise<{ ids: string[]; bad: string[] }> {
  const ids: string[] = [];
  const badRows = new BadRows(maximum);
  const options = { schema: { userId: 'user_id' }, limits: IMPORT_LIMITS, badRows, scratch: newFolder() };
  await readUserIds([path], options, (id) => ids.push(id));
  return { ids, bad: badRows.worst.map(({ message }) => message.replace(path, 'FILE')) };
}

describe('the import of a CSV file', () => {
  it.each(NASTY_CSV)('takes $name', async ({ content, ids }) => {
    const path = write(content);
    if (!('refusedAt' in ids)) expect((await read(path)).ids).toEqual(ids);
    else expect((await refusalOf(() => read(path))).message).toContain(`users.csv:${ids.refusedAt}: `);
  });

  it('leaves out bad rows whichever way it is read, and names the lines of rows behind them', async () => {
    const plain = 'user_id,note\n1,"a\nb"\n2\n3,x\n,y\n';
    expect(await read(write(plain), 2)).toEqual({
      ids: ['1', '3'],
      bad: [
        'FILE:4: the row has 1 fields, but 2 are expected',
        `FILE:6: the user id is empty; it must be text of 1 to ${IMPORT_LIMITS.maximumUserIdBytes} bytes`,
      ],
    });
    const stray = 'user_id,note\n1,5" a\n2,"b\nc"\n\n,7" d\n3,e\n,f\n';
    const { ids, bad } = await read(write(stray), 3);
    expect(ids).toEqual(['2', '3']);
    expect(bad.map((message) => message.slice(0, 7))).toEqual(['FILE:2:', 'FILE:6:', 'FILE:8:']);
  });

  it('takes the ids of any file that the other readers take', async () => {
    const unit = fc.constantFrom('a', 'b', '"', '"', ',', '\n', '\r\n', ' ');
    const rows = fc.array(fc.string({ unit, maxLength: 12 }), { maxLength: 4 });
    await fc.assert(
      fc.asyncProperty(rows, async (texts) => {
        const path = write(`user_id,note\n${texts.map((text, i) => `u${i},${text}\n`).join('')}`);
        const source = await openRows(path);
        const expected: string[] = [];
        try {
          for await (const batch of source.read(['user_id']))
            expected.push(...batch.map(({ values }) => String(values[0])));
        } catch {
          await expect(read(path)).rejects.toThrow('users.csv:');
          return;
        }
        if (expected.includes('null')) return;
        expect((await read(path)).ids).toEqual(expected);
      }),
      { numRuns: 35 },
    );
  }, 60_000);
});
