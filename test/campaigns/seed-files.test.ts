/** Seed files hold any text, depend on the set alone, and refuse to be read once altered. */
import { appendFileSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeSeeds, encodeSeeds, readSeedFile, writeSeedFile } from '../../src/campaigns/seed-files.ts';
import { temporaryFolder } from './stores.ts';

const awkward = [
  '',
  '"',
  '"a"',
  'a\nb',
  '\r',
  '\u0000',
  '\ufeffa',
  '\ud800',
  'a\ud83d',
  '😀',
  'ä',
  '\\n',
  ' a ',
  '\u2028',
];
const anyId = fc.oneof(fc.string(), fc.string({ unit: 'binary' }), fc.constantFrom(...awkward));

describe('encodeSeeds', () => {
  it('gives back any set of ids, sorted', () => {
    fc.assert(
      fc.property(fc.uniqueArray(anyId), (userIds) => {
        expect(decodeSeeds(encodeSeeds(userIds))).toEqual([...userIds].sort());
      }),
      { numRuns: 300, examples: [[awkward]] },
    );
  });

  it('keeps every id on a line of its own, whatever it holds', () => {
    expect(encodeSeeds(awkward).toString().split('\n').length).toBe(awkward.length + 1);
  });

  it('writes plain ids as they are', () => {
    expect(encodeSeeds(['u2', 'ä', 'u10']).toString()).toBe('u10\nu2\nä\n');
  });

  it('gives different sets different bytes', () => {
    fc.assert(
      fc.property(fc.uniqueArray(anyId, { maxLength: 3 }), fc.uniqueArray(anyId, { maxLength: 3 }), (a, b) => {
        const equal = JSON.stringify([...a].sort()) === JSON.stringify([...b].sort());
        expect(encodeSeeds(a).equals(encodeSeeds(b))).toBe(equal);
      }),
    );
  });
});

describe('writeSeedFile', () => {
  it('shares one file between equal sets and leaves nothing beside it', () => {
    const folder = join(temporaryFolder(), 'seeds');
    const first = writeSeedFile(folder, ['b', 'a']);
    expect(writeSeedFile(folder, ['a', 'b'])).toEqual(first);
    expect(readdirSync(folder)).toEqual([`${first.sha256}.txt`]);
    expect(first).toMatchObject({ users: 2, sizeBytes: 4 });
    expect(readSeedFile(folder, first.sha256)).toEqual(['a', 'b']);
  });

  it('heals a damaged file of the same set', () => {
    const folder = temporaryFolder();
    const { sha256 } = writeSeedFile(folder, ['a']);
    writeFileSync(join(folder, `${sha256}.txt`), 'garbage');
    writeSeedFile(folder, ['a']);
    expect(readFileSync(join(folder, `${sha256}.txt`), 'utf8')).toBe('a\n');
  });

  it('says storage_failed with the cause, and leaves no temporary file', () => {
    const folder = temporaryFolder();
    const { sha256 } = writeSeedFile(folder, ['a']);
    rmSync(join(folder, `${sha256}.txt`));
    mkdirSync(join(folder, `${sha256}.txt`)); // a folder where the file should go: the rename fails
    expect(() => writeSeedFile(folder, ['a'])).toThrow(
      expect.objectContaining({ code: 'storage_failed', cause: expect.objectContaining({ syscall: 'rename' }) }),
    );
    expect(readdirSync(folder)).toEqual([`${sha256}.txt`]);
  });
});

describe('readSeedFile', () => {
  it('refuses a file that was altered', () => {
    const folder = temporaryFolder();
    const { sha256 } = writeSeedFile(folder, ['a']);
    appendFileSync(join(folder, `${sha256}.txt`), 'b\n');
    expect(() => readSeedFile(folder, sha256)).toThrow(
      expect.objectContaining({ code: 'storage_failed', message: expect.stringContaining('altered') }),
    );
  });

  it('says storage_failed where the file is gone', () => {
    expect(() => readSeedFile(temporaryFolder(), 'ab')).toThrow(
      expect.objectContaining({ code: 'storage_failed', facts: { errno: 'ENOENT' } }),
    );
  });
});
