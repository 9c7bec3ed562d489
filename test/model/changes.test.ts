/** Changes between parameters: what they store, and that they restore the adapted parameters bit by bit. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Tensor, tensor } from '../../packages/onnx-grad/index.ts';
import { applyChanges, changesOf } from '../../src/model/changes.ts';
import { size } from '../fixture/size.ts';

const table = (...rows: number[][]) => tensor('float32', [rows.length, rows[0]!.length], rows.flat());
const parameters = (entries: Record<string, Tensor>) => new Map(Object.entries(entries));
const GENERAL = parameters({
  table: table([1, 2], [3, 4], [5, 6], [7, 8]),
  dense: tensor('float32', [2], [1, 2]),
  scalar: tensor('float32', [], [1]),
});

const bitsOf = (source: ReadonlyMap<string, Tensor>) =>
  [...source].map(([name, { shape, data }]) => [name, shape, Buffer.from((data as Float32Array).slice().buffer)]);

describe('changesOf', () => {
  it('stores the changed rows of a table, or the whole parameter if that is smaller', () => {
    const adapted = parameters({
      table: table([1, 2], [3, 4.5], [5, 6], [7, 8]),
      dense: tensor('float32', [2], [1, 3]),
      scalar: tensor('float32', [], [2]),
    });
    const changes = changesOf(GENERAL, adapted);
    expect(changes.get('table')).toEqual({ rows: Int32Array.of(1), values: table([3, 4.5]) });
    expect(changes.get('dense')).toEqual({ rows: null, values: adapted.get('dense') });
    expect(changes.get('scalar')).toEqual({ rows: null, values: adapted.get('scalar') });
    const most = parameters({ table: table([0, 0], [0, 0], [0, 0], [7, 8]) });
    expect(changesOf(GENERAL, most).get('table')!.rows).toBeNull();
  });

  it('leaves out parameters with unchanged bits, and notices a zero that lost its sign', () => {
    expect(changesOf(GENERAL, GENERAL).size).toBe(0);
    const zeros = parameters({ t: table([0, 0], [0, 0], [0, 0], [0, 0]) });
    const signed = parameters({ t: table([0, 0], [0, 0], [0, -0], [0, 0]) });
    expect(changesOf(zeros, signed).get('t')!.rows).toEqual(Int32Array.of(2));
  });

  it('restores the adapted parameters bit by bit, and leaves all others unchanged', () => {
    const shape = fc.tuple(fc.integer({ min: 1, max: 12 }), fc.integer({ min: 1, max: 3 }));
    fc.assert(
      fc.property(
        shape,
        fc.array(fc.nat(35), { maxLength: 40 }),
        fc.noShrink(fc.infiniteStream(fc.float())),
        (of, at, draw) => {
          const count = of[0] * of[1];
          const before = Float32Array.from({ length: count }, (_, i) => i);
          const after = before.slice();
          for (const place of at) if (place < count) after[place] = draw.next().value;
          const general = parameters({
            other: tensor('float32', [1], [7]),
            t: { dtype: 'float32', shape: of, data: before },
          });
          const adapted = parameters({ t: { dtype: 'float32', shape: of, data: after } });
          const made = applyChanges(general, changesOf(general, adapted))!;
          expect(bitsOf(made)).toEqual(bitsOf(new Map([...general, ...adapted])));
          expect(made.get('other')).toBe(general.get('other'));
          expect([...before]).toEqual(Array.from({ length: count }, (_, i) => i));
        },
      ),
      { numRuns: size(40, 100) },
    );
  });
});

describe('applyChanges', () => {
  it.each<[string, string, Int32Array | null, Tensor]>([
    ['of an unknown parameter', 'nothing', null, tensor('float32', [], [1])],
    ['of another shape', 'dense', null, tensor('float32', [3], [1, 2, 3])],
    ['of another type', 'dense', null, tensor('int32', [2], [1, 2])],
    ['with fewer values than rows', 'table', Int32Array.of(0, 1), table([1, 2])],
    ['of a row after the end of the table', 'table', Int32Array.of(4), table([1, 2])],
    ['of a row before the table', 'table', Int32Array.of(-1), table([1, 2])],
    ['of a row twice', 'table', Int32Array.of(1, 1), table([1, 2], [3, 4])],
    ['of rows of a scalar', 'scalar', Int32Array.of(0), tensor('float32', [1], [1])],
  ])('is null for a change %s', (_name, parameter, rows, values) => {
    expect(applyChanges(GENERAL, new Map([[parameter, { rows, values }]]))).toBeNull();
  });
});
