/** Copies of remote text files, made by DuckDB; a file on this machine stands for a remote one. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { withDatabase } from '../../../src/population/tables/database.ts';
import { copyLines } from '../../../src/population/tables/remote.ts';
import { useFolders } from '../../fixture/folders.ts';

const newFolder = useFolders();

async function copyOf(name: string, content: string | Uint8Array): Promise<string> {
  const folder = newFolder();
  const path = join(folder, name);
  writeFileSync(path, content);
  return await withDatabase({ scratch: folder }, async (database) =>
    readFileSync(await copyLines(path, folder, database), 'utf8'),
  );
}

describe('the copy of a remote CSV file', () => {
  const LINES = 'user_id,note\n1,"5"" disc"\n\n 2 , "x" y\n"3","a\nb"\nç,\u{1f600}\\"\n';

  it('has the same lines, whatever they contain', async () => {
    expect(await copyOf('users.csv', LINES)).toBe(LINES);
    expect(await copyOf('users.csv', LINES.trimEnd())).toBe(LINES);
  });

  it('is not compressed', async () => {
    expect(await copyOf('users.csv.gz', gzipSync(LINES))).toBe(LINES);
  });

  it('is in the order of the file, however large that is', async () => {
    const lines = Array.from({ length: 1_500_000 }, (_, i) => `u${i},"row ${i}"\n`).join('');
    expect((await copyOf('users.csv', lines)) === lines).toBe(true);
  });
});
