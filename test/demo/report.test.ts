/** The demo's words. */
import { describe, expect, it } from 'vitest';
import { curlCommands, describeFeatures, tableOfFound, tableOfMembers, verdict } from '../../src/demo/report.ts';

describe('describeFeatures', () => {
  it('joins lists, and shows no control character', () => {
    expect(describeFeatures({ topics: ['a', 'b'], category: 'x\u001b[31m' })).toBe('topics a, b | category x?[31m');
  });
});

describe('tableOfMembers', () => {
  it('has one row per member, without control characters', () => {
    const members = [{ rank: 1, user_id: 'u\u0007', score: 0.51239 }];
    expect(tableOfMembers(members, ['yes'], ['country'], [['Ghana']])).toEqual([
      '  rank  user_id   score  likes it  country',
      '     1  u?       0.5124  yes       Ghana',
    ]);
  });
});

describe('tableOfFound', () => {
  it('has recall and lift of each size, and a dash when there is no lift', () => {
    const found = [
      { size: 500, hits: 180, recall: 0.1, lift: 9.96 },
      { size: 2500, hits: 900, recall: 0.5, lift: Number.NaN },
    ];
    expect(tableOfFound([{ name: 'MetaHeac', found }], 50_000)).toEqual([
      '  best           500 (1 %)     2,500 (5 %)',
      '  MetaHeac   10.0 %  x10.0   50.0 %  x   -',
    ]);
  });
});

describe('verdict', () => {
  it('says who is ahead when chance cannot explain it', () => {
    expect(verdict(2500, { difference: 80, chance: 40 })).toMatch(/^Among the best 2,500, MetaHeac finds 80 more/);
    expect(verdict(2500, { difference: -80, chance: 40 })).toMatch(
      /^Among the best 2,500, logistic regression finds 80 more than MetaHeac/,
    );
  });

  it('calls them level when it can', () => {
    expect(verdict(2500, { difference: -40, chance: 40 })).toMatch(/are level: 40 apart/);
  });
});

describe('curlCommands', () => {
  it('quotes for the shell and escapes for the URL', () => {
    const commands = curlCommands('http://h', 'id', { features: { a: "it's" }, seeds: ["o'b"] }, 'a b/c');
    expect(commands[2]).toBe("curl -s 'http://h/v1/campaigns/id/audience/members/a%20b%2Fc'");
    expect(commands[4]).toContain(`"features":{"a":"it'\\''s"},"seeds":["o'\\''b"]`);
  });
});
