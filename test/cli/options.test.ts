/** Values of the command line. */
import { InvalidArgumentError } from 'commander';
import { describe, expect, it } from 'vitest';
import { delimiter, instant, nameList, seedCounts, share } from '../../src/cli/options.ts';
import { withoutErrno } from '../../src/cli/program.ts';

describe('options', () => {
  it('takes lists, shares, separators and numbers of seeds', () => {
    expect(nameList('a, b')).toEqual(['a', 'b']);
    expect(['0', '0.4', '1'].map(share)).toEqual([0, 0.4, 1]);
    expect([';', 'tab', '\\t', '::'].map(delimiter)).toEqual([';', '\t', '\t', '::']);
    expect(['50', '50,200'].map(seedCounts)).toEqual([[50], [50, 200]]);
    expect(['1970-01-02', '1970-01-02T01:00:00+01:00'].map(instant)).toEqual([86_400_000, 86_400_000]);
  });

  it.each([
    [share, '1.1'],
    [share, ''],
    [share, 'half'],
    [delimiter, ''],
    [delimiter, '"'],
    [seedCounts, '0'],
    [seedCounts, '50,50'],
    [seedCounts, '50,200,300'],
    [seedCounts, 'few'],
    [instant, '2026-02-30'],
    [instant, '2026-11-25T12:00'],
  ])('refuses with %o what is none: %j', (parse, text) => {
    expect(() => parse(text)).toThrow(InvalidArgumentError);
  });
});

describe('a message about a missing file', () => {
  const words = (path: string, call = 'open') => `ENOENT: no such file or directory, ${call} '${path}'`;

  it.each([
    [words('a.csv'), 'a.csv: not found'],
    [`a.csv can't be read: ${words('a.csv')}`, 'a.csv: not found'],
    [`model m: manifest.json cannot be read: ${words('m/manifest.json')}`, 'model m: manifest.json: not found'],
    [`cannot lock a/b: ${words('a/b')}`, 'cannot lock a/b: not found'],
    [`cannot copy the model m: ${words('m/x', 'copyfile')} -> 'n/x'`, 'cannot copy the model m: m/x: not found'],
    [`b is not a backup: ${words('b/backup.json')}`, 'b is not a backup: b/backup.json: not found'],
    ['external data "w" does not exist: it must be next to the model', undefined],
  ])('says "not found", and keeps its advice: %s', (message, said = message) => {
    expect(withoutErrno(message)).toBe(said);
  });

  it('keeps what follows from a missing file', () => {
    const key = `k can't be read, and without this file erased users are unknown: ${words('k', 'read')}`;
    expect(withoutErrno(key)).toBe("k can't be read, and without this file erased users are unknown: not found");
  });
});
