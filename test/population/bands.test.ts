/** Bands of numbers: edges at quantiles, and which band a number is in. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bandLabel, bandOf, quantileEdges } from '../../src/population/read/bands.ts';

describe('quantileEdges', () => {
  it('divides different numbers into bands of similar size', () => {
    const values = Float32Array.from({ length: 1000 }, (_, i) => (i * 7919) % 1000);
    const edges = quantileEdges(values, 10);
    expect(edges).toEqual([100, 200, 300, 400, 500, 600, 700, 800, 900]);
  });

  it('keeps equal numbers in one band, and leaves missing ones out', () => {
    expect(quantileEdges(Float32Array.of(0, 0, 0, 0, 0, 0, 0, 5, Number.NaN, 9), 4)).toEqual([5]);
    expect(quantileEdges(Float32Array.of(3, 3, 3), 10)).toEqual([]);
    expect(quantileEdges(new Float32Array(0), 10)).toEqual([]);
  });
});

describe('bandOf', () => {
  it('counts the edges that are not above the number', () => {
    const input = fc.record({
      edges: fc
        .uniqueArray(fc.integer({ min: -20, max: 20 }), { maxLength: 12 })
        .map((all) => all.sort((a, b) => a - b)),
      value: fc.oneof(fc.integer({ min: -25, max: 25 }), fc.double({ min: -25, max: 25, noNaN: true })),
    });
    fc.assert(
      fc.property(input, ({ edges, value }) => {
        expect(bandOf(value, edges)).toBe(edges.filter((edge) => edge <= value).length);
      }),
    );
  });

  it('has a label for each band', () => {
    expect([0, 1, 2].map((band) => bandLabel(band, [18, 65.5]))).toEqual(['< 18', '18 to 65.5', '>= 65.5']);
    expect(bandLabel(0, [])).toBe('all');
  });
});
