/** The file of ids that `population erase` reads. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readEraseIds } from '../../src/cli/commands/population/erase.ts';
import { readLines } from '../../src/dataset/lines.ts';
import { useFolders } from '../fixture/folders.ts';

const newFolder = useFolders();

function read(content: string | Buffer): Promise<string[]> {
  const path = join(newFolder(), 'ids.txt');
  writeFileSync(path, content);
  return readEraseIds(readLines(path), 'ids.txt');
}

describe('the ids of an erasure', () => {
  it('are lines as they stand, each once, whatever ends them', async () => {
    expect(await read('\uFEFFb\r\n\r\n a,"b" \r\nb\r\nuser_identity\nç')).toEqual([
      'b',
      ' a,"b" ',
      'user_identity',
      'ç',
    ]);
  });

  it.each([
    ['user_id\nb\n', 'ids.txt:1: this line is the header of a table'],
    ['"user_id";"city"\nb;x\n', 'ids.txt:1: this line is the header of a table'],
    [`b\n${'x'.repeat(257)}\n`, 'ids.txt:2: the id is longer than 256 bytes'],
    [Buffer.from('b\n', 'utf16le'), 'ids.txt:1: the line contains a NUL byte'],
    [Buffer.from([0x62, 0xff, 0x0a]), 'UTF-8'],
    ['\n\r\n', 'ids.txt has no ids'],
  ])('are refused where they are no list: %j', async (content, message) => {
    await expect(read(content)).rejects.toThrow(
      expect.objectContaining({ code: 'invalid_data', message: expect.stringContaining(message) }),
    );
  });
});
