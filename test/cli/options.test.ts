/** Values of the command line. */
import { InvalidArgumentError } from 'commander';
import { describe, expect, it } from 'vitest';
import { delimiter, nameList, seedCounts, share } from '../../src/cli/options.ts';

describe('options', () => {
  it('takes lists, shares, separators and numbers of seeds', () => {
    expect(nameList('a, b')).toEqual(['a', 'b']);
    expect(['0', '0.4', '1'].map(share)).toEqual([0, 0.4, 1]);
    expect([';', 'tab', '\\t', '::'].map(delimiter)).toEqual([';', '\t', '\t', '::']);
    expect(['50', '50,200'].map(seedCounts)).toEqual([[50], [50, 200]]);
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
  ])('refuses with %o what is none: %j', (parse, text) => {
    expect(() => parse(text)).toThrow(InvalidArgumentError);
  });
});
