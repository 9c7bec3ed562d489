/** Writing a ranking folder: its bytes, retries, and disk errors. */

import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { openRanking } from '../../src/audience/ranking.ts';
import { writeRanking } from '../../src/audience/write-ranking.ts';
import { AppError } from '../../src/lib/errors.ts';
import { temporaryFolder } from '../fixture/folders.ts';
import { blobs } from './blobs.ts';

const root = temporaryFolder();
const scores = Float32Array.of(0.25, Number.NaN, 0.75, 0.25);

/** The CRC-32 of a file of one block, as base64. */
function sumOf(bytes: Buffer): string {
  const sum = Buffer.alloc(4);
  sum.writeUInt32LE(crc32(bytes));
  return sum.toString('base64');
}

async function thrownBy(action: () => Promise<unknown>): Promise<AppError> {
  try {
    await action();
  } catch (error) {
    expect(error).toBeInstanceOf(AppError);
    return error as AppError;
  }
  throw new Error('nothing was thrown');
}

describe('writeRanking', () => {
  it('writes the documented bytes and nothing else', async () => {
    const folder = join(root, 'campaign', 'expansion');
    const sha256Of = (hex: string) => createHash('sha256').update(Buffer.from(hex, 'hex')).digest('hex');
    expect(await writeRanking(blobs, folder, scores)).toEqual({
      candidates: 3,
      sha256: {
        scores: sha256Of('0000803e0000c07f0000403f0000803e'),
        order: sha256Of('020000000000000003000000'),
      },
    });
    expect(readdirSync(join(root, 'campaign'))).toEqual(['expansion']);
    expect(readdirSync(folder).sort()).toEqual(['order.u32', 'ranking.json', 'scores.f32']);
    expect(readFileSync(join(folder, 'order.u32')).toString('hex')).toBe('020000000000000003000000');
    expect(readFileSync(join(folder, 'scores.f32')).toString('hex')).toBe('0000803e0000c07f0000403f0000803e');
    expect(JSON.parse(readFileSync(join(folder, 'ranking.json'), 'utf8'))).toEqual({
      contract: 1,
      users: 4,
      candidates: 3,
      crc32: {
        block_bytes: 16_384,
        'scores.f32': sumOf(readFileSync(join(folder, 'scores.f32'))),
        'order.u32': sumOf(readFileSync(join(folder, 'order.u32'))),
      },
    });
  });

  it('writes scores in memory shared with worker threads', async () => {
    const folder = join(root, 'shared');
    const shared = new Float32Array(new SharedArrayBuffer(16));
    shared.set(scores);
    await writeRanking(blobs, folder, shared);
    const ranking = await openRanking(blobs, folder);
    expect([...ranking.read(0, 10).userNumbers]).toEqual([2, 0, 3]);
    ranking.close();
  });

  it('writes additional files, and fails as a whole when one cannot be written', async () => {
    const folder = join(root, 'beside', 'expansion');
    await writeRanking(blobs, folder, scores, new Map([['more.bin', Uint8Array.of(1, 2)]]));
    expect(readdirSync(folder).sort()).toEqual(['more.bin', 'order.u32', 'ranking.json', 'scores.f32']);
    expect([...readFileSync(join(folder, 'more.bin'))]).toEqual([1, 2]);
    const ranking = await openRanking(blobs, folder);
    expect(ranking.candidates).toBe(3);
    ranking.close();
    const impossible = new Map([['no/such/folder', Uint8Array.of(1)]]);
    const error = await thrownBy(() => writeRanking(blobs, join(root, 'beside', 'another'), scores, impossible));
    expect([error.code, error.facts]).toEqual(['storage_failed', { errno: 'ENOENT' }]);
    expect(readdirSync(join(root, 'beside'))).toEqual(['expansion']);
  });

  it('replaces the leftovers of an earlier attempt, including half-written siblings, while readers keep the old one', async () => {
    const parent = join(root, 'retried');
    const folder = join(parent, 'expansion');
    await writeRanking(blobs, folder, scores);
    const reader = await openRanking(blobs, folder);
    mkdirSync(join(parent, 'expansion.new-killed'));
    writeFileSync(join(parent, 'expansion.new-killed', 'scores.f32'), 'half');
    mkdirSync(join(parent, 'expansion.old-killed'));
    mkdirSync(join(parent, 'expansion-of-another'));

    await writeRanking(blobs, folder, Float32Array.of(0.9, 0.8));

    expect(readdirSync(parent).sort()).toEqual(['expansion', 'expansion-of-another']);
    expect([...reader.read(0, 9).userNumbers]).toEqual([2, 0, 3]);
    const renewed = await openRanking(blobs, folder);
    expect([...renewed.read(0, 9).userNumbers]).toEqual([0, 1]);
    reader.close();
    renewed.close();
  });

  it('throws storage_failed with the cause when the folder cannot be made', async () => {
    writeFileSync(join(root, 'a-file'), '');
    const error = await thrownBy(() => writeRanking(blobs, join(root, 'a-file', 'campaign', 'expansion'), scores));
    expect(error.code).toBe('storage_failed');
    expect(error.facts).toEqual({ errno: 'ENOTDIR' });
    expect((error.cause as NodeJS.ErrnoException).code).toBe('ENOTDIR');
    expect(error.message).toContain('a-file/campaign/expansion');
  });

  it('throws storage_failed and leaves nothing behind when a write fails halfway', () => {
    const folder = join(root, 'limited', 'expansion');
    const program = `
      import { writeRanking } from ${JSON.stringify(join(import.meta.dirname, '../../src/audience/write-ranking.ts'))};
      import { FileBlobs } from ${JSON.stringify(join(import.meta.dirname, '../../src/storage/files/blobs.ts'))};
      try {
        await writeRanking(new FileBlobs('/'), process.argv[1], new Float32Array(1_000_000));
      } catch (error) {
        process.stdout.write(error.code + ' ' + error.facts.errno);
      }
    `;
    // The shell's limit on file sizes (512 KiB) simulates a full disk: the same write call fails, with EFBIG.
    const child = spawnSync(
      'bash',
      ['-c', 'ulimit -f 512; exec "$0" --input-type=module -e "$1" "$2"', process.execPath, program, folder],
      { encoding: 'utf8' },
    );
    expect(`${child.stdout}${child.stderr}`).toBe('storage_failed EFBIG');
    expect(readdirSync(join(root, 'limited'))).toEqual([]);
  });

  it('keeps the existing ranking when writing its replacement fails', async () => {
    const name = 'e'.repeat(250); // too long for a file name once it has the suffix of the new sibling
    const folder = join(root, 'kept', name);
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'ranking.json'), 'as it was');
    const error = await thrownBy(() => writeRanking(blobs, folder, scores));
    expect(error.facts).toEqual({ errno: 'ENAMETOOLONG' });
    expect(readdirSync(join(root, 'kept'))).toEqual([name]);
    expect(readFileSync(join(folder, 'ranking.json'), 'utf8')).toBe('as it was');
  });
});
