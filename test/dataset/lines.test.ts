/** The line reader: yields lines, also of Zstandard files, and names file:line in each refusal. */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { gzipSync, zstdCompressSync as pack } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { getDataSetFile, openDataSet } from '../../src/dataset/data-set.ts';
import { type LineLimits, readLines } from '../../src/dataset/lines.ts';
import { openRows } from '../../src/dataset/open-rows.ts';
import { readFrames } from '../../src/dataset/zstd.ts';
import { checkSources } from '../../src/population/import/read-users.ts';
import { importPopulation } from '../../src/population/import.ts';
import { useFolders } from '../fixture/folders.ts';
import { size } from '../fixture/size.ts';
import { FEATURES, importUsers, refusalOf, USERS } from '../population/support.ts';

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

/** A frame of a block for each text, as it is; the size and the window are written in one of their forms. */
function frameOf(texts: readonly string[], { isSingle = true } = {}): Buffer {
  const bytes = texts.map((text) => Buffer.from(text));
  const size = bytes.reduce((sum, { length }) => sum + length, 0);
  const head = isSingle ? [0x20, size] : [0x00, 0x58];
  const blocks = bytes.flatMap((block, i) => {
    const header = Buffer.alloc(3);
    header.writeUIntLE((block.length << 3) | (i === bytes.length - 1 ? 1 : 0), 0, 3);
    return [header, block];
  });
  return Buffer.concat([Buffer.from([0x28, 0xb5, 0x2f, 0xfd, ...head]), ...blocks]);
}

/** A block that repeats one byte, behind a size of two bytes, and a checksum that nobody reads here. */
const REPEATED = Buffer.from([
  ...[0x28, 0xb5, 0x2f, 0xfd, 0x64, 0x00, 0x01],
  ...[...Buffer.from([(512 << 3) | 3, (512 << 3) >> 8, 0]), 0x61],
  ...[1, 2, 3, 4],
]);
const SKIPPED = Buffer.from([0x5a, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 9, 9, 9]);
const FRAMES = [frameOf(['{"a":1}\n', '{"a"']), REPEATED, frameOf([':2}\n'], { isSingle: false })];
const FILE = Buffer.concat([FRAMES[0]!, SKIPPED, FRAMES[1]!, FRAMES[2]!]);

async function framesOf(bytes: Buffer, chunk: number): Promise<Buffer[]> {
  const chunks = Array.from({ length: Math.ceil(bytes.length / chunk) }, (_, i) =>
    bytes.subarray(i * chunk, (i + 1) * chunk),
  );
  const frames: Buffer[] = [];
  for await (const frame of readFrames(Readable.from(chunks))) frames.push(frame);
  return frames;
}

async function linesOf(bytes: Buffer): Promise<string[]> {
  const path = join(newFolder(), 'users.ndjson.zst');
  writeFileSync(path, bytes);
  const lines: string[] = [];
  for await (const batch of readLines(path)) lines.push(...batch.lines);
  return lines;
}

async function rowsOf(path: string): Promise<unknown[]> {
  const source = await openRows(path);
  const rows: unknown[] = [];
  for await (const batch of source.read(source.columns)) rows.push(...batch);
  return rows;
}

describe('frames of Zstandard', () => {
  it.each([1, 2, 3, 7, 1000])('are found in chunks of %i bytes', async (chunk) => {
    expect(await framesOf(FILE, chunk)).toEqual(FRAMES);
    expect(await framesOf(Buffer.alloc(0), chunk)).toEqual([]);
  });

  it('are refused wherever they are truncated', async () => {
    const whole = [0, FRAMES[0]!.length, FRAMES[0]!.length + SKIPPED.length, FILE.length - FRAMES[2]!.length];
    for (let end = 1; end < FILE.length; end++) {
      const read = framesOf(FILE.subarray(0, end), 1000);
      if (whole.includes(end)) await read;
      else await expect(read, `${end} bytes`).rejects.toThrow('the file is truncated');
    }
  });

  it('are refused if something else occurs', async () => {
    await expect(framesOf(Buffer.from('user_id\n'), 5)).rejects.toThrow('the file is not Zstandard');
    await expect(framesOf(Buffer.concat([FRAMES[0]!, Buffer.from('tail')]), 5)).rejects.toThrow(
      'the file is not Zstandard',
    );
    const odd = Buffer.from(FRAMES[0]!);
    odd[6] = 0x06;
    await expect(framesOf(odd, 5)).rejects.toThrow('a block has an unknown type');
  });
});

describe('files in Zstandard', () => {
  it('are read to the end of their last frame', async () => {
    const plain = Buffer.concat([FRAMES[0]!, SKIPPED, FRAMES[2]!]);
    expect(await linesOf(plain)).toEqual(['{"a":1}', '{"a":2}']);
    const big = Array.from({ length: 300_000 }, (_, i) => `{"user_id":"u${i}"}`);
    const halves = [big.slice(0, 100_000), big.slice(100_000)].map((half) => pack(`${half.join('\n')}\n`));
    expect(await linesOf(Buffer.concat(halves))).toEqual(big);
    await expect(linesOf(halves[1]!.subarray(0, -2))).rejects.toThrow(
      /users\.ndjson\.zst:\d+: the file cannot be read from here on: the file is truncated within a Zstandard frame/,
    );
    await expect(linesOf(Buffer.from('hello world'))).rejects.toThrow('the file is not Zstandard');
  });

  it('can be users and logs', async () => {
    const folder = newFolder();
    const plain = await importUsers(folder, newFolder(), USERS);
    const users = join(folder, 'users.ndjson');
    const rows = await rowsOf(users);
    writeFileSync(`${users}.zst`, pack(readFileSync(users)));
    expect((await refusalOf(() => getDataSetFile(openDataSet(folder), 'users.ndjson'))).message).toContain(
      'exists in several forms (plain and .zst); keep only one of these files',
    );
    rmSync(users);
    expect(getDataSetFile(openDataSet(folder), 'users.ndjson')).toBe(`${users}.zst`);
    const packed = await importPopulation({ source: folder, features: FEATURES, out: newFolder() });
    expect(packed.version).toBe(plain.version);
    expect(await rowsOf(`${users}.zst`)).toEqual(rows);
    checkSources([`${users}.zst`]);
  });
});
