/** A file that is being written: in memory as far as that suffices, and in a file of the machine. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { createRng } from '../../../src/lib/rng.ts';
import { SpooledWriter, SpoolMemory } from '../../../src/storage/s3/spool.ts';
import { inMemory, type Source, sumsOf } from '../../../src/storage/s3/upload.ts';
import { temporaryFolder } from '../../fixture/folders.ts';

const PART = 100;

/** A writer, and what it publishes, or null before. */
function newWriter(memory: SpoolMemory) {
  const folder = join(temporaryFolder(), 'spool');
  const published: { bytes: Uint8Array; sums: readonly string[] }[] = [];
  const publish = async (_: string, source: Source, sums: readonly string[]) => {
    const bytes = new Uint8Array(source.sizeBytes);
    for (let at = 0; at < bytes.length; at += PART) bytes.set(source.slice(at, Math.min(PART, bytes.length - at)), at);
    expect(source.slice(0, source.sizeBytes)).toEqual(bytes);
    published.push({ bytes, sums });
  };
  return { writer: new SpooledWriter({ memory, folder, name: 'f', publish }), published, folder };
}

it.each([0, 1, PART, 2 * PART - 1, 2 * PART, 2 * PART + 1, 1_234])(
  'publishes and reads %i bytes, with two parts in memory or none',
  async (size) => {
    const rng = createRng(`spool ${size}`);
    const bytes = Uint8Array.from({ length: size }, () => rng.integer(256));
    for (const [parts, most] of [2, 0].flatMap((parts) =>
      [1, 7, PART, 5 * PART].map((most) => [parts, most] as const),
    )) {
      const { writer, published } = newWriter(new SpoolMemory(PART, parts));
      for (let at = 0; at < size; ) {
        const length = 1 + rng.integer(most);
        writer.write(bytes.subarray(at, at + length));
        at += length;
      }
      for (let i = 0; i < 20; i++) {
        const [at, target] = [rng.integer(size + 1), new Uint8Array(rng.integer(3 * PART))];
        const read = writer.read(target, at);
        expect(target.subarray(0, read)).toEqual(bytes.subarray(at, at + target.length));
      }
      await (await writer.finish()).publish('name');
      expect(published).toEqual([{ bytes, sums: sumsOf(inMemory(bytes), PART) }]);
    }
  },
);

it('gives its memory back, published or not, and uses the disk while others have it', async () => {
  const memory = new SpoolMemory(PART, 1);
  const bytes = new Uint8Array(PART).fill(7);
  const first = newWriter(memory);
  first.writer.write(bytes);
  const second = newWriter(memory);
  second.writer.write(bytes.subarray(1));
  expect(readdirSync(second.folder)).toEqual([]);
  expect(() => readdirSync(first.folder)).toThrow('ENOENT');
  first.writer.abort();
  first.writer.abort();
  expect(() => first.writer.write(bytes)).toThrow('is closed');
  const third = newWriter(memory);
  third.writer.write(bytes);
  expect(() => readdirSync(third.folder)).toThrow('ENOENT');
  await (await third.writer.finish()).publish('name');
  await (await second.writer.finish()).publish('name');
  expect([third, second].map(({ published }) => published[0]!.bytes)).toEqual([bytes, bytes.subarray(1)]);
  const buffer = memory.take();
  expect([buffer === null, memory.take()]).toEqual([false, null]);
});
