/** The line reader: yields lines, and names file:line in each refusal. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type LineLimits, readLines } from '../../src/dataset/lines.ts';
import { useFolders } from '../fixture/folders.ts';
import { size } from '../fixture/size.ts';
import { refusalOf } from '../population/support.ts';

const newFolder = useFolders();

async function collect(path: string, limits?: LineLimits): Promise<string[]> {
  const lines: string[] = [];
  for await (const batch of readLines(path, limits)) {
    expect(batch.firstLine).toBe(lines.length + 1);
    for (const line of batch.lines) lines.push(line);
  }
  return lines;
}

function write(bytes: string | Uint8Array, name = 'users.ndjson'): string {
  const path = join(newFolder(), name);
  writeFileSync(path, bytes);
  return path;
}

describe('readLines', () => {
  it('yields lines without their ends, the last one with or without its own', async () => {
    expect(await collect(write('a\n\nbé\r\nc'))).toEqual(['a', '', 'bé', 'c']);
    expect(await collect(write('a\nb\n'))).toEqual(['a', 'b']);
    expect(await collect(write(''))).toEqual([]);
  });

  it('reads gzip, also with several members', async () => {
    const bytes = Buffer.concat([gzipSync('a\nb'), gzipSync('c\nd\n')]);
    expect(await collect(write(bytes, 'users.ndjson.gz'))).toEqual(['a', 'bc', 'd']);
  });

  it('returns any text, also over many chunks', async () => {
    const line = fc.string({ unit: 'binary', maxLength: 30 }).map((text) => text.replaceAll(/[\r\n\ufeff]/g, ' '));
    const property = fc.asyncProperty(
      fc.array(line, { minLength: 1, maxLength: 20 }),
      fc.boolean(),
      async (lines, isGzip) => {
        // Repeated until it is larger than what is read at a time, so that lines cross the chunks.
        const many = Array.from({ length: Math.ceil(1_200_000 / (lines.join('\n').length + 1)) }, () => lines).flat();
        const text = Buffer.from(`${many.join('\n')}\n`);
        const path = write(isGzip ? gzipSync(text, { level: 1 }) : text, isGzip ? 'l.gz' : 'l');
        expect(await collect(path)).toEqual(many);
      },
    );
    await fc.assert(property, { numRuns: size(3, 6) });
  });

  it('refuses bytes that are not UTF-8 and names the line', async () => {
    const path = write(Buffer.concat([Buffer.from('a\nbé\n'), Buffer.from([0x63, 0xc3, 0x0a]), Buffer.from('d\n')]));
    const error = await refusalOf(() => collect(path));
    expect(error.code).toBe('invalid_data');
    expect(error.message).toContain(`${path}:3: the line is not valid UTF-8; if it is in Windows-1252`);
    expect(error.details[0]?.pointer).toBe(`${path}:3`);
  });

  it('accepts a line of exactly the limit in bytes, and refuses one byte more', async () => {
    const limits = { maximumLineBytes: 6 };
    expect(await collect(write('\ufeffééé\r\nabcdef\n'), limits)).toEqual(['ééé', 'abcdef']);
    expect((await refusalOf(() => collect(write('abc\néééa\n'), limits))).message).toMatch(
      /:2: the line is longer than 6 bytes$/,
    );
  });

  it('refuses an endless line without reading all of it', async () => {
    const path = write(gzipSync(Buffer.alloc(64 * 1024 * 1024, 0x61)), 'bomb.gz');
    const error = await refusalOf(() => collect(path, { maximumLineBytes: 3_000_000 }));
    expect(error.message).toBe(`${path}:1: the line is longer than 3000000 bytes`);
    expect(error.details[0]?.limit).toBe(3_000_000);
  });

  it('refuses a truncated or invalid gzip file', async () => {
    const whole = gzipSync(Buffer.from('a\nb\n'.repeat(1000)));
    const cut = await refusalOf(() => collect(write(whole.subarray(0, whole.length - 12), 'x.gz')));
    expect(cut.message).toMatch(/x\.gz:\d+: the file cannot be read from here on: unexpected end of file/);
    expect((await refusalOf(() => collect(write('a\n', 'x.gz')))).message).toContain('incorrect header check');
  });

  it('refuses a missing file', async () => {
    const path = join(newFolder(), 'none.ndjson');
    const error = await refusalOf(() => collect(path));
    expect(error).toMatchObject({ code: 'invalid_data' });
    expect(error.cause).toMatchObject({ code: 'ENOENT' });
  });
});
