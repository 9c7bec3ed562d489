/** Rows of users against places on disk, over random segments. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SegmentLayout } from '../../src/population/read/segment-layout.ts';
import { SEGMENT_ROWS } from '../../src/population/read/segments.ts';

const segmentOf = (rows: number, dead = 0) => ({ rows, ...(dead > 0 ? { dead } : {}) });

describe('SegmentLayout', () => {
  it('numbers users without gaps, in the order of their places', () => {
    const segments = fc.array(fc.array(fc.boolean(), { minLength: 1, maxLength: 100 }), { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(segments, (isUser) => {
        const layout = new SegmentLayout(
          isUser.map((flags) => segmentOf(flags.length, flags.filter((flag) => !flag).length)),
        );
        const places = isUser.flatMap((flags, segment) =>
          flags.flatMap((flag, offset) => (flag ? [segment * SEGMENT_ROWS + offset] : [])),
        );
        // user numbers run against the places, and the first has no row
        const placeOf = Int32Array.from([-1, ...places.toReversed()]);
        const bits = layout.markUsers(placeOf);
        const rowOf = layout.toRows(placeOf, bits, 'row-of.i32');
        expect([...rowOf]).toEqual([-1, ...places.map((_, row) => row).toReversed()]);
        expect(layout.rowCount).toBe(places.length);
        expect(layout.segmentCount).toBe(isUser.filter((flags) => flags.includes(true)).length);
        const found: number[] = [];
        for (let segment = 0; segment < layout.segmentCount; segment++) {
          const flags = isUser[layout.onDisk(segment)]!;
          expect(layout.hasDead(segment)).toBe(flags.includes(false));
          const kept = [...flags.keys()].filter((offset) => layout.isUser(bits, segment, offset));
          found.push(...kept.map((offset) => layout.onDisk(segment) * SEGMENT_ROWS + offset));
        }
        expect(found).toEqual(places);
        for (let row = 0; row < places.length; row++) {
          const at = layout.locate(row);
          const segment = Math.floor(at / SEGMENT_ROWS);
          const users = places.filter((place) => Math.floor(place / SEGMENT_ROWS) === layout.onDisk(segment));
          expect(users[at % SEGMENT_ROWS]).toBe(places[row]);
        }
      }),
    );
  });

  it('takes rows for places only where no segment but the last has fewer', () => {
    const isDense = (...segments: ReturnType<typeof segmentOf>[]) => new SegmentLayout(segments).isDense;
    expect(isDense(segmentOf(SEGMENT_ROWS), segmentOf(5))).toBe(true);
    expect(isDense(segmentOf(5), segmentOf(SEGMENT_ROWS))).toBe(false);
    expect(isDense(segmentOf(SEGMENT_ROWS, 1), segmentOf(5))).toBe(false);
  });

  it('refuses rows that are not there, and files that say otherwise than the manifest', () => {
    const layout = new SegmentLayout([segmentOf(4, 2)]);
    for (const row of [-1, 2, Number.NaN]) expect(() => layout.locate(row)).toThrow(RangeError);
    const placeOf = Int32Array.of(0, 1, 2);
    expect(() => layout.toRows(placeOf, layout.markUsers(placeOf), 'row-of.i32')).toThrow('row-of.i32 has 3 users');
  });
});
