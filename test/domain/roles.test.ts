/** Every user has one role, for any sets and filters. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { assignRoles, countExcluded, findShortfall, MARK, rangeTest } from '../../src/domain/roles.ts';

const users = fc.array(fc.record({ mark: fc.constantFrom(...Object.values(MARK)), isFiltered: fc.boolean() }), {
  maxLength: 40,
});

type Users = readonly { readonly mark: number; readonly isFiltered: boolean }[];

function rolesOf(of: Users) {
  return assignRoles(
    Uint8Array.from(of, ({ isFiltered }) => Number(isFiltered)),
    Uint8Array.from(of, ({ mark }) => mark),
  );
}

describe('assignRoles', () => {
  it('gives every user exactly one of four roles, in ascending order', () => {
    fc.assert(
      fc.property(users, (of) => {
        const { seeds, suppressed, filtered, candidates } = rolesOf(of);
        const all = [seeds, suppressed, filtered, candidates];
        expect(all.flatMap((rows) => [...rows]).sort((a, b) => a - b)).toEqual(of.map((_, row) => row));
        for (const rows of all) expect([...rows]).toEqual([...rows].sort((a, b) => a - b));
      }),
    );
  });

  it('puts suppression first, then dismissals and seeds, then the filters', () => {
    fc.assert(
      fc.property(users, (of) => {
        const roles = rolesOf(of);
        for (const [row, { mark, isFiltered }] of of.entries()) {
          expect(roles.suppressed.includes(row)).toBe(mark === MARK.suppressed);
          expect(roles.seeds.includes(row)).toBe(mark === MARK.seed);
          expect(roles.seedsOutside.includes(row)).toBe(mark === MARK.seed && isFiltered);
          expect(roles.dismissed.includes(row)).toBe(mark === MARK.dismissed && !isFiltered);
          expect(roles.dismissedOutside.includes(row)).toBe(mark === MARK.dismissed && isFiltered);
          expect(roles.candidates.includes(row)).toBe(!isFiltered && (mark === MARK.none || mark === MARK.dismissed));
        }
      }),
    );
  });
});

describe('findShortfall', () => {
  const seed = { mark: MARK.seed, isFiltered: false };
  const other = { mark: MARK.none, isFiltered: false };
  const filtered = { mark: MARK.none, isFiltered: true };

  it('is null for enough seeds and a candidate', () => {
    expect(findShortfall(rolesOf([seed, seed, other]), 3, 2)).toBeNull();
  });

  it('is too_small for too few seeds, even without candidates', () => {
    expect(findShortfall(rolesOf([seed, filtered]), 2, 2)).toMatchObject({
      kind: 'too_small',
      reason: { code: 'too_few_seeds', known: 1, minimum: 2 },
    });
  });

  it('is failed without a candidate, with the numbers', () => {
    expect(findShortfall(rolesOf([seed, filtered, filtered]), 3, 1)).toEqual({
      kind: 'failed',
      reason: {
        code: 'no_candidates',
        message: 'every user of the population is a seed, suppressed or filtered out',
        ...{ population: 3, seeds: 1, suppressed: 0, filtered: 2 },
      },
    });
  });

  it('counts users as an expansion shows them', () => {
    expect(countExcluded(rolesOf([seed, other, filtered]))).toEqual({ seeds: 1, suppressed: 0, filtered: 1 });
  });
});

describe('rangeTest', () => {
  it('includes both bounds as float32, and excludes missing numbers', () => {
    expect([0.1, 0.3].map(Math.fround).map(rangeTest({ min: 0.1, max: 0.3 }))).toEqual([true, true]);
    expect(rangeTest({ max: 0.3 })(Math.fround(0.31))).toBe(false);
    expect(rangeTest({})(Number.NaN)).toBe(false);
  });
});
