/** Counting seeds: received = known + unknown + duplicate. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { countSeeds, countsOf, countsWithout, receivedAfter, stillApplies } from '../../src/domain/user-sets.ts';

describe('countSeeds', () => {
  it('counts each id once as known or unknown, and each repetition as a duplicate', () => {
    const { userIds, counts } = countSeeds(['a', 'x', 'b', 'a', 'x', 'a'], (userId) => userId < 'm');
    expect(userIds).toEqual(['a', 'x', 'b']);
    expect(counts).toEqual({ received: 6, known: 2, unknown: 1, duplicate: 3, unknownExamples: ['x'] });
  });

  it('shows the first ten unknown ids in the order received', () => {
    const seeds = Array.from({ length: 12 }, (_, i) => `u${11 - i}`);
    expect(countSeeds(seeds, () => false).counts.unknownExamples).toEqual(seeds.slice(0, 10));
  });

  it('adds up for any seeds', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom('a', 'b', 'c', 'x', 'y', '')), (seeds) => {
        const { userIds, counts } = countSeeds(seeds, (userId) => userId < 'm');
        expect(counts.known + counts.unknown + counts.duplicate).toBe(seeds.length);
        expect(counts.received).toBe(seeds.length);
        expect(counts.known + counts.unknown).toBe(userIds.length);
        expect(new Set(userIds)).toEqual(new Set(seeds));
      }),
    );
  });
});

const ids = fc.uniqueArray(fc.constantFrom('a', 'b', 'c', 'd', 'x', 'y', 'z'), { maxLength: 7 });
const isKnown = (userId: string) => userId < 'm';

describe('countsWithout', () => {
  it('counts the remaining users if all unknown ones are examples', () => {
    fc.assert(
      fc.property(ids, ids, (users, others) => {
        const erased = new Set(users.filter((userId) => others.includes(userId)));
        const left = users.filter((userId) => !erased.has(userId));
        const { counts } = countSeeds(users, isKnown);
        expect(countsWithout(counts, erased)).toEqual(
          countsOf(
            left.length,
            left.length,
            left.filter((userId) => !isKnown(userId)),
          ),
        );
      }),
    );
  });
});

describe('receivedAfter', () => {
  it('keeps received = users + duplicates over any changes', () => {
    const changes = fc.array(fc.tuple(fc.constantFrom('replace', 'add', 'remove'), ids), { maxLength: 10 });
    fc.assert(
      fc.property(changes, (history) => {
        let set = new Set<string>();
        let before: Parameters<typeof receivedAfter>[2] = null;
        for (const [how, sent] of history) {
          if (how === 'replace') set = new Set(sent);
          else for (const userId of sent) how === 'add' ? set.add(userId) : set.delete(userId);
          const received = receivedAfter(how, sent.length, before, set.size);
          expect(received).toBeGreaterThanOrEqual(set.size);
          const counts = { ...countsOf(received, set.size, []) };
          expect(counts.duplicate).toBe(received - set.size);
          before = { counts };
        }
      }),
    );
  });
});

describe('stillApplies', () => {
  it('repeats a change that was made from another set, unless it replaces the set', () => {
    const counts = countsOf(1, 1, []);
    const [one, two] = ['1', '2'].map((name) => ({
      name,
      counts,
      weights: null,
      consentBasis: null,
      createdAt: 0,
      updatedAt: 0,
    }));
    expect([stillApplies('add', one!, one!), stillApplies('remove', null, null)]).toEqual([true, true]);
    expect([stillApplies('add', one!, two!), stillApplies('remove', one!, null)]).toEqual([false, false]);
    expect(stillApplies('replace', one!, two!)).toBe(true);
  });
});
