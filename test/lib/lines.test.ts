/** Lines of streams of bytes: however they are cut into chunks, and what ends them. */
import { describe, expect, it } from 'vitest';
import { type LineFault, splitLines, withoutReturn } from '../../src/lib/lines.ts';

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

  it('drops a byte order mark at the start alone', async () => {
    expect(await read(Buffer.from('\ufeffa\n\ufeffb\n'), 1000)).toEqual(['a', '\ufeffb']);
  });

  it.each([
    [Buffer.from('a\nb\n\xff\n', 'latin1'), 'not_utf_8 3'],
    [Buffer.from('\ufeffab', 'utf16le'), 'utf_16 1'],
    [Buffer.from(`a\n${'b'.repeat(101)}`), 'too_long 2'],
  ])('ends at %s', async (bytes, fault) => {
    await expect(read(bytes, 64)).rejects.toThrow(new Refused(fault));
  });
});

describe('withoutReturn', () => {
  it('takes one carriage return from the end', () => {
    expect(['a\r', 'a', '\r\r', 'a\rb'].map(withoutReturn)).toEqual(['a', 'a', '\r', 'a\rb']);
  });
});
