/** Filters that can match nobody are refused, with a pointer to each fault. */
import { describe, expect, it } from 'vitest';
import type { Filters } from '../../src/domain/features.ts';
import { refuseUnknownFilters } from '../../src/domain/filters.ts';
import { AppError } from '../../src/lib/errors.ts';

const known = {
  features: [
    { name: 'country', kind: 'single' },
    { name: 'a/b~c', kind: 'multi' },
    { name: 'age', kind: 'number' },
    { name: 'embedding', kind: 'vector' },
  ] as const,
  dictionary: () => ({ find: (token: string) => (token === 'DE' ? 1 : 0) }),
};

function faultsOf(filters: Filters) {
  try {
    refuseUnknownFilters(known, filters);
    return null;
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    expect(error.code).toBe('unknown_filter');
    expect(error.facts).toEqual({ known_features: ['country', 'a/b~c', 'age', 'embedding'] });
    return error.details.map(({ pointer, message }) => `${pointer}: ${message}`);
  }
}

describe('refuseUnknownFilters', () => {
  it('accepts known tokens, and ranges of numbers', () => {
    expect(faultsOf({ country: ['DE'], 'a/b~c': ['DE'], age: { min: 18 } })).toBeNull();
    expect(faultsOf({})).toBeNull();
  });

  it('refuses an unknown feature', () => {
    expect(faultsOf({ city: ['DE'] })).toEqual(['/filters/city: the population has no such feature']);
  });

  it('refuses each token that no user has had', () => {
    expect(faultsOf({ 'a/b~c': ['XX', 'DE', 'YY'] })).toEqual([
      '/filters/a~1b~0c/0: no user has ever had this token',
      '/filters/a~1b~0c/2: no user has ever had this token',
    ]);
  });

  it('refuses a range for tokens, tokens for a number, and any filter on a vector', () => {
    expect(faultsOf({ country: { min: 1 }, age: ['DE'], embedding: { max: 1 } })).toEqual([
      '/filters/country: the feature has tokens: send a list of tokens',
      '/filters/age: the feature is a number: send min, max or both',
      '/filters/embedding: users cannot be filtered by a vector',
    ]);
  });
});
