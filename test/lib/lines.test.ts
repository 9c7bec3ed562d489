/** Lines of byte streams: for any chunks, and the faults that end them. */
import { describe, expect, it } from 'vitest';
import { type LineFault, splitLines, withoutReturn } from '../../src/lib/text/lines.ts';

class Refused extends Error {}

async function read(bytes: Buffer, chunkBytes: number, maximumBytes = 100) {
  async function* chunks() {
    for (let at = 0; at < bytes.length; at += chunkBytes) yield bytes.subarray(at, at + chunkBytes);
  }
  const refuse = (line: number, fault: LineFault) => new Refused(`${fault} ${line}`);
  const lines: string[] = [];
  for await (const batch of splitLines(chunks(), { maximumBytes, refuse })) {
    expect(batch.firstLine).toBe(lines.length + 1);
    lines.push(...batch.lines);
  }
  return lines;
}

describe('splitLines', () => {
  it.each([1, 2, 3, 7, 1000])('returns the same lines from chunks of %i bytes', async (chunkBytes) => {
    expect(await read(Buffer.from('a\n\nö€\r\nlast'), chunkBytes)).toEqual(['a', '', 'ö€\r', 'last']);
    expect(await read(Buffer.from('a\n'), chunkBytes)).toEqual(['a']);
    expect(await read(Buffer.alloc(0), chunkBytes)).toEqual([]);
  });

  it('drops a byte order mark only at the start', async () => {
    expect(await read(Buffer.from('\ufeffa\n\ufeffb\n'), 1000)).toEqual(['a', '\ufeffb']);
  });

  it.each([
    [Buffer.from('a\nb\n\xff\n', 'latin1'), 'not_utf_8 3'],
    [Buffer.from('a\n\xed\xa0\x80\n', 'latin1'), 'not_utf_8 2'], // an encoded surrogate
    [Buffer.from(`${'0123456789\n'.repeat(200)}\xff`, 'latin1'), 'not_utf_8 201'],
    [Buffer.from('\ufeffab', 'utf16le'), 'utf_16 1'],
    [Buffer.from(`a\n${'b'.repeat(101)}`), 'too_long 2'],
  ])('ends at %s', async (bytes, fault) => {
    await expect(read(bytes, 64)).rejects.toThrow(new Refused(fault));
  });
});

describe('splitLines with blank lines that mean nothing', () => {
  /** The lines by their numbers, without blank ones, and the number of returned lines. */
  async function readNumbered(text: string, skipsBlank?: () => boolean) {
    const bytes = Buffer.from(text);
    async function* chunks() {
      for (let at = 0; at < bytes.length; at += 4_096) yield bytes.subarray(at, at + 4_096);
    }
    const refuse = (line: number, fault: LineFault) => new Refused(`${fault} ${line}`);
    const options = { maximumBytes: 10_000, refuse, ...(skipsBlank && { skipsBlank }) };
    const found: [number, string][] = [];
    let returned = 0;
    for await (const { firstLine, lines } of splitLines(chunks(), options)) {
      returned += lines.length;
      for (const [i, line] of lines.entries()) if (line !== '') found.push([firstLine + i, line]);
    }
    return { found, returned };
  }
  const text = ['', 'a', 'b', 'c\n'].join('\n'.repeat(20_000));

  it('skips long runs and counts them', async () => {
    const all = await readNumbered(text);
    expect(all.found).toEqual([
      [20_001, 'a'],
      [40_001, 'b'],
      [60_001, 'c'],
    ]);
    const { found, returned } = await readNumbered(text, () => true);
    expect(found).toEqual(all.found);
    expect([all.returned, returned < 1_000]).toEqual([60_001, true]);
  });

  it('returns them while the reader is inside a record', async () => {
    const all = await readNumbered(text);
    expect(await readNumbered(text, () => false)).toEqual(all);
    let calls = 0;
    expect((await readNumbered(text, () => calls++ % 2 === 0)).found).toEqual(all.found);
  });
});

describe('withoutReturn', () => {
  it('removes one carriage return from the end', () => {
    expect(['a\r', 'a', '\r\r', 'a\rb'].map(withoutReturn)).toEqual(['a', 'a', '\r', 'a\rb']);
  });
});
