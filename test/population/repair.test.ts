/** Repairs of a damaged `erased.bin`: what is restored, what is reported as lost, and who is hidden afterwards. */
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { populationRepairCommand } from '../../src/cli/commands/population/repair.ts';
import type { Output } from '../../src/lib/output.ts';
import { eraseUsers, repairErasures } from '../../src/population/erase/erase-users.ts';
import { RECORD_BYTES } from '../../src/population/erase/erased-records.ts';
import { openPopulation } from '../../src/population/read/population.ts';
import { redactErasedUsers } from '../../src/population/versions/versions.ts';
import { newFolder } from '../fixture/folders.ts';
import { size } from '../fixture/size.ts';
import { importUsers, refusalOf } from './support.ts';

const IDS = Array.from({ length: 12 }, (_, i) => `user-${i}`);
const ERASED = IDS.slice(0, 8);

/** A population of which the first users are erased, and the file of their records. */
async function newPopulation(): Promise<{ out: string; path: string; whole: Buffer }> {
  const out = newFolder();
  await importUsers(
    newFolder(),
    out,
    IDS.map((user_id) => ({ user_id, city: 'Rome', likes: [] })),
  );
  await eraseUsers(out, ERASED, openPopulation(out));
  const path = join(out, 'erased.bin');
  return { out, path, whole: readFileSync(path) };
}

const hidden = (out: string) => IDS.filter((_, number) => openPopulation(out).directory.isErased(number));
const outputTo = (lines: string[]) =>
  ({ result: (line: string) => lines.push(line), note: () => {} }) as unknown as Output;

describe('repairErasures', () => {
  it('leaves an intact file unchanged', async () => {
    const { out, path, whole } = await newPopulation();
    expect(repairErasures(out)).toEqual({
      ...{ whole: 8, corrected: 0, recovered: 0, lost: [], cutBytes: 0, aside: null, keyFault: null },
    });
    expect(readFileSync(path)).toEqual(whole);
  });

  it('changes any single bit back, also in the last record, and keeps what was damaged', async () => {
    const { out, path, whole } = await newPopulation();
    const bits = Array.from({ length: size(20, 2 * whole.length) }, (_, i) => (i * 7919) % (8 * whole.length));
    for (const bit of [...bits, 8 * whole.length - 3]) {
      const damaged = Buffer.from(whole);
      damaged[bit >> 3]! ^= 1 << (bit & 7);
      writeFileSync(path, damaged);
      const { message } = await refusalOf(() => openPopulation(out));
      expect(message).toMatch(/erased\.bin was altered, .*: run metaheac population repair /);
      const repair = repairErasures(out);
      expect(repair).toMatchObject({ whole: 7, corrected: 1, lost: [], cutBytes: 0 });
      expect([readFileSync(path), readFileSync(repair.aside!)]).toEqual([whole, damaged]);
      rmSync(repair.aside!);
    }
    expect(hidden(out)).toEqual(ERASED);
  });

  it('says which records are lost, hides again whose id was overwritten, and lets a service read on', async () => {
    const { out, path, whole } = await newPopulation();
    const service = openPopulation(out);
    redactErasedUsers(out);
    await eraseUsers(out, ['user-8'], service);
    const damaged = Buffer.from(readFileSync(path));
    // two records of users whose ids are overwritten, and one whose is not; the next one is whole
    damaged.fill(0x5a, 2 * RECORD_BYTES, 4 * RECORD_BYTES);
    damaged.fill(0x5a, whole.length, whole.length + RECORD_BYTES);
    writeFileSync(path, damaged);
    expect((await refusalOf(() => openPopulation(out))).code).toBe('invalid_population');

    const repair = repairErasures(out);
    expect(repair).toMatchObject({ whole: 6, corrected: 0, recovered: 2, lost: [{ first: 2, count: 2 }] });
    expect(repair.cutBytes).toBe(RECORD_BYTES);
    expect(hidden(out)).toEqual(ERASED);
    // the service had read all nine; it goes on, and so does whoever starts now
    await eraseUsers(out, ['user-9'], service);
    for (const { erasures } of [service, openPopulation(out)]) expect(erasures.has(9)).toBe(true);
    expect(repairErasures(out)).toMatchObject({ aside: null, lost: [] });
  });

  it('finds records after bytes that were inserted or removed', async () => {
    const { out, path, whole } = await newPopulation();
    const cut = 3 * RECORD_BYTES + 5;
    for (const damaged of [
      Buffer.concat([whole.subarray(0, cut), Buffer.from('more'), whole.subarray(cut)]),
      Buffer.concat([whole.subarray(0, cut), whole.subarray(cut + 4)]),
    ]) {
      writeFileSync(path, damaged);
      expect(repairErasures(out)).toMatchObject({ whole: 7, lost: [{ first: 3, count: 1 }] });
      expect(hidden(out)).toEqual(ERASED.filter((id) => id !== 'user-3'));
    }
  });

  it('makes of any damage a file that opens, in which every whole record still hides its user', async () => {
    const { out, path, whole } = await newPopulation();
    const damage = fc.array(fc.tuple(fc.nat(whole.length - 1), fc.integer({ min: 1, max: 255 })), { maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(damage, async (bytes) => {
        const damaged = Buffer.from(whole);
        for (const [at, mask] of bytes) damaged[at]! ^= mask;
        writeFileSync(path, damaged);
        const left = ERASED.filter((_, i) => {
          const [from, to] = [i * RECORD_BYTES, (i + 1) * RECORD_BYTES];
          return damaged.subarray(from, to).equals(whole.subarray(from, to));
        });
        repairErasures(out);
        expect(hidden(out)).toEqual(expect.arrayContaining(left));
        expect(hidden(out).filter((id) => !ERASED.includes(id))).toEqual([]);
      }),
      { numRuns: size(20, 80) },
    );
  });
});

describe('metaheac population repair', () => {
  it('reports what it did and what it could not do, with its own exit code', async () => {
    const { out, path } = await newPopulation();
    const run = (options: { json?: boolean } = {}) => {
      const lines: string[] = [];
      process.exitCode = undefined;
      populationRepairCommand(out, options, outputTo(lines));
      const { exitCode } = process;
      process.exitCode = undefined;
      return { lines, exitCode };
    };
    expect(run()).toEqual({ lines: ['erasures: all 8 records intact, nothing to repair'], exitCode: undefined });
    const damaged = readFileSync(path);
    damaged.fill(1, RECORD_BYTES, 2 * RECORD_BYTES);
    writeFileSync(path, damaged);
    const { lines, exitCode } = run();
    expect([lines.slice(0, 2), exitCode]).toEqual([
      [
        'erasures: 7 intact, 0 corrected, 0 recovered from overwritten ids',
        '  lost: 1 record from position 1 on; their users are unknown',
      ],
      3,
    ]);
    expect(lines.at(-1)).toBe(`  the damaged file is in ${path}.damaged-1`);
    expect(readdirSync(out)).toContain('erased.bin.damaged-1');
    rmSync(join(out, 'erased.key'));
    expect(JSON.parse(run({ json: true }).lines[0]!)).toMatchObject({
      whole: 8,
      key_fault: expect.stringContaining('erased.key') as string,
    });
    expect(existsSync(path)).toBe(true);
  });
});
