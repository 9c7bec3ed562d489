/** Segments that are written while rows are read. */
import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { AppError } from '../../src/lib/errors.ts';
import { decodeSegment, type Rows } from '../../src/population/read/segments.ts';
import { sha256 } from '../../src/population/versions/files.ts';
import { SegmentFiles } from '../../src/population/versions/segment-files.ts';
import { useFolders } from '../fixture/folders.ts';
import { refusalOf } from './support.ts';

const newFolder = useFolders();
const FEATURES = [{ name: 'city', kind: 'single' }] as const;

function rowsOf(code: number): Rows {
  const columns = new Map([['city', { kind: 'single' as const, codes: Int32Array.of(code, 0) }]]);
  return { count: 2, userNumbers: Int32Array.of(2 * code, 2 * code + 1), columns };
}

describe('SegmentFiles', () => {
  it('stores every segment, whether ahead or at the end', async () => {
    const folder = newFolder();
    mkdirSync(join(folder, 'segments'));
    const sums: string[] = [];
    const files = new SegmentFiles(async (path, bytes, sum) => {
      sums.push(sum);
      await writeFile(join(folder, path), bytes);
    }, FEATURES);
    for (let code = 1; code <= 4; code++) files.add(rowsOf(code));
    await files.writeAhead();
    await files.writeAhead();
    files.add(rowsOf(5));
    await files.writeAhead();
    files.add(rowsOf(6));
    await files.settle();
    await files.finish();
    expect(sums).toEqual(files.segments.map((segment) => segment.sha256));
    expect(files.coverage).toEqual([6]);
    expect(readdirSync(join(folder, 'segments'))).toHaveLength(6);
    for (const [i, { path, size, sha256: sum }] of files.segments.entries()) {
      const bytes = new Uint8Array(readFileSync(join(folder, path)));
      expect([bytes.length, sha256(bytes)]).toEqual([size, sum]);
      expect(decodeSegment(bytes, FEATURES, path).userNumbers).toEqual(rowsOf(i + 1).userNumbers);
    }
  });

  it.each(['finish', 'writeAhead'] as const)('reports a failed write in %s, not in settle', async (step) => {
    const files = new SegmentFiles(() => Promise.reject(new AppError('storage_failed', 'full')), FEATURES);
    files.add(rowsOf(1));
    await files.writeAhead();
    await files.settle();
    files.add(rowsOf(2));
    const refusal = await refusalOf(async () => await files[step]());
    expect(refusal).toMatchObject({ code: 'storage_failed' });
  });
});
