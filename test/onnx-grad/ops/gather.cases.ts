/** Cases of `ops/gather.ts`. */
import { at, axisOf, fill, flatIndex, type Nd } from './arrays.ts';
import { type Cases, constant, float, given, integers, ints } from './harness.ts';

const wrapped = (i: number, size: number) => (i < 0 ? i + size : i);

/** The tuple of `indices` at `place`, counted from the front. */
function tupleAt(indices: Nd, place: readonly number[], shape: readonly number[]): number[] {
  return Array.from({ length: indices.shape.at(-1)! }, (_, k) => wrapped(at(indices, [...place, k]), shape[k]!));
}

export const gatherCases: Pick<
  Cases,
  'Gather' | 'GatherElements' | 'GatherND' | 'ScatterElements' | 'ScatterND' | 'TopK'
> = {
  Gather: {
    reference: ([x, indices], { axis = 0 }) => {
      const along = axisOf(axis, x!.shape.length);
      const rank = indices!.shape.length;
      const shape = [...x!.shape.slice(0, along), ...indices!.shape, ...x!.shape.slice(along + 1)];
      return fill(shape, (index) => {
        const i = wrapped(at(indices!, index.slice(along, along + rank)), x!.shape[along]!);
        return at(x!, [...index.slice(0, along), i, ...index.slice(along + rank)]);
      });
    },
    cases: [
      { inputs: [float(4), integers('int64', [-4, 4])] },
      { inputs: [float(4, 2), integers('int64', [-4, 4], 5)] },
      { inputs: [float(3, 2), integers('int32', [0, 3], 2, 3)] },
      { inputs: [float(2, 4), integers('int64', [-4, 4], 3)], attributes: { axis: 1 } },
      { inputs: [float(2, 4), integers('int64', [-4, 4])], attributes: { axis: -1 } },
      { inputs: [float(2, 3, 2), integers('int64', [-3, 3], 2, 2)], attributes: { axis: 1 } },
      { inputs: [float(2, 3, 4), integers('int64', [-4, 4], 5)], attributes: { axis: 2 } },
      { inputs: [float(3, 2), integers('int64', [0, 3], 0)] },
      { inputs: [float(1, 2), integers('int64', [0, 1], 3)] },
      { inputs: [float(3, 0), integers('int64', [0, 3], 2)] },
      { inputs: [float(3, 2), ints(1, -1, 1)] },
      { inputs: [float('rows', 2), integers('int64', [0, 3], 'n')], sizes: [{ rows: 3, n: 4 }] },
      { inputs: [constant('int64', [3], [5, 6, 7]), ints(-1, 0)] },
      { inputs: [integers('int64', [0, 9], 3), integers('int64', [0, 3], 2)] },
    ],
  },
  GatherND: {
    reference: ([x, indices], { batch_dims: batch = 0 }) => {
      const places = indices!.shape.slice(0, -1);
      const length = batch + indices!.shape.at(-1)!;
      return fill([...places, ...x!.shape.slice(length)], (index) => {
        const tuple = tupleAt(indices!, index.slice(0, places.length), x!.shape.slice(batch));
        return at(x!, [...index.slice(0, batch), ...tuple, ...index.slice(places.length)]);
      });
    },
    cases: [
      { inputs: [float(4), integers('int64', [-4, 4], 3, 1)], named: false },
      { inputs: [float(3, 2), integers('int64', [-3, 3], 4, 1)], named: false },
      { inputs: [float(3, 2), integers('int64', [-2, 2], 4, 2)], named: false },
      { inputs: [float(3, 2, 2), integers('int64', [-2, 2], 2, 2, 2)], named: false },
      { inputs: [float(3, 2), integers('int64', [0, 2], 2)], named: false },
      { inputs: [float(3, 2), integers('int64', [0, 2], 0, 1)], named: false },
      { inputs: [float('n', 2), integers('int64', [0, 3], 'm', 1)], sizes: [{ n: 3, m: 5 }], named: false },
      { inputs: [float(2, 3), integers('int64', [-3, 3], 2, 1)], attributes: { batch_dims: 1 }, named: false },
      { inputs: [float(2, 3, 2), integers('int64', [0, 3], 2, 4, 1)], attributes: { batch_dims: 1 }, named: false },
      { inputs: [float(2, 2, 3), integers('int64', [-3, 3], 2, 2, 2, 1)], attributes: { batch_dims: 2 }, named: false },
      { inputs: [float(2, 2, 2), integers('int64', [0, 2], 2, 3, 2)], attributes: { batch_dims: 1 }, named: false },
      {
        inputs: [float('n', 3), integers('int64', [0, 3], 'n', 'm', 1)],
        attributes: { batch_dims: 1 },
        sizes: [
          { n: 2, m: 3 },
          { n: 0, m: 1 },
        ],
        named: false,
      },
    ],
  },
  GatherElements: {
    reference: ([x, indices], { axis = 0 }) => {
      const along = axisOf(axis, x!.shape.length);
      return fill(indices!.shape, (index) =>
        at({ ...x!, shape: x!.shape }, index.with(along, wrapped(at(indices!, index), x!.shape[along]!))),
      );
    },
    cases: [
      { inputs: [float(4), integers('int64', [-4, 4], 6)] },
      { inputs: [float(3, 2), integers('int64', [-3, 3], 4, 2)] },
      { inputs: [float(3, 2), integers('int32', [0, 2], 3, 5)], attributes: { axis: 1 } },
      { inputs: [float(2, 3, 2), integers('int64', [0, 2], 2, 3, 2)], attributes: { axis: -1 } },
      { inputs: [float(3, 3), integers('int64', [0, 3], 2, 2)] },
      { inputs: [float(3, 2), integers('int64', [0, 3], 0, 2)] },
      { inputs: [float('n', 3), integers('int64', [0, 3], 'n', 2)], attributes: { axis: 1 }, sizes: [{ n: 2 }] },
      { inputs: [integers('int64', [0, 9], 3), integers('int64', [0, 3], 2)] },
    ],
  },
  ScatterElements: {
    reference: ([x, indices, updates], { axis = 0, reduction }) => {
      const along = axisOf(axis, x!.shape.length);
      const data = [...x!.data];
      fill(updates!.shape, (index) => {
        const to = flatIndex(x!.shape, index.with(along, wrapped(at(indices!, index), x!.shape[along]!)));
        const update = at(updates!, index);
        data[to] = reduction === 'add' ? data[to]! + update : update;
        return 0;
      });
      return { shape: x!.shape, data };
    },
    cases: [
      // duplicates add up
      { inputs: [float(3), given('int64', [4], [0, 2, 0, -1]), float(4)], attributes: { reduction: 'add' } },
      { inputs: [float(3, 2), given('int64', [2, 2], [1, 0, 1, 2]), float(2, 2)], attributes: { reduction: 'add' } },
      {
        inputs: [float(2, 3), given('int32', [2, 2], [1, 1, 0, 2]), float(2, 2)],
        attributes: { axis: 1, reduction: 'add' },
      },
      {
        inputs: [float(2, 3), given('int64', [1, 2], [-1, 0]), float(1, 2)],
        attributes: { axis: -1, reduction: 'none' },
      },
      { inputs: [float(3), given('int64', [2], [2, 0]), float(2)] },
      { inputs: [float(3, 2), given('int64', [1, 2], [2, 1]), float(1, 2)] },
      { inputs: [float(3, 2), given('int64', [0, 2], []), float(0, 2)], attributes: { reduction: 'add' } },
      { inputs: [float('n', 2), given('int64', [1, 2], [2, 1]), float(1, 2)], sizes: [{ n: 3 }] },
    ].map((item) => ({ ...item, named: false as const })) as Cases['ScatterElements']['cases'],
  },
  ScatterND: {
    reference: ([x, indices, updates], { reduction }) => {
      const places = indices!.shape.slice(0, -1);
      const data = [...x!.data];
      fill(updates!.shape, (index) => {
        const tuple = tupleAt(indices!, index.slice(0, places.length), x!.shape);
        const to = flatIndex(x!.shape, [...tuple, ...index.slice(places.length)]);
        const update = at(updates!, index);
        data[to] = reduction === 'add' ? data[to]! + update : update;
        return 0;
      });
      return { shape: x!.shape, data };
    },
    cases: [
      // duplicates add up
      { inputs: [float(3), given('int64', [4, 1], [0, 2, 0, -1]), float(4)], attributes: { reduction: 'add' } },
      { inputs: [float(3, 2), given('int64', [3, 1], [1, 1, -1]), float(3, 2)], attributes: { reduction: 'add' } },
      { inputs: [float(3, 2), given('int64', [2, 2], [1, 0, 1, 0]), float(2)], attributes: { reduction: 'add' } },
      { inputs: [float(3, 2), given('int64', [1], [2]), float(2)], attributes: { reduction: 'add' } },
      { inputs: [float(3, 2), given('int64', [0, 1], []), float(0, 2)], attributes: { reduction: 'add' } },
      { inputs: [float(3, 0), given('int64', [2, 1], [1, 0]), float(2, 0)], attributes: { reduction: 'add' } },
      { inputs: [float(3, 2), given('int64', [2, 1], [2, 0]), float(2, 2)] },
      { inputs: [float(3, 2), given('int64', [2, 2], [2, -1, 0, 0]), float(2)], attributes: { reduction: 'none' } },
    ].map((item) => ({ ...item, named: false as const })) as Cases['ScatterND']['cases'],
  },
  TopK: {
    reference: ([x, k], { axis = -1, largest = 1 }) => {
      const along = axisOf(axis, x!.shape.length);
      const shape = x!.shape.with(along, k!.data[0]!);
      const order = (index: readonly number[]) =>
        Array.from({ length: x!.shape[along]! }, (_, i) => i).sort((i, j) => {
          const difference = at(x!, index.with(along, j)) - at(x!, index.with(along, i));
          return (largest ? difference : -difference) || i - j;
        });
      return [
        fill(shape, (index) => at(x!, index.with(along, order(index)[index[along]!]!))),
        fill(shape, (index) => order(index)[index[along]!]!),
      ];
    },
    cases: [
      { inputs: [float(5), ints(2)] },
      { inputs: [float(5), ints(5)], attributes: { largest: 0 } },
      { inputs: [float(2, 4), ints(3)] },
      { inputs: [float(4, 2), ints(1)], attributes: { axis: 0 } },
      { inputs: [float(2, 4, 2), ints(2)], attributes: { axis: 1, largest: 0, sorted: 1 } },
      { inputs: [float(3), ints(0)] },
      { inputs: [float('n', 4), ints(2)], sizes: [{ n: 3 }] },
      { inputs: [float(2, 4), given('int64', [1], [3])], named: false },
      { inputs: [integers('int64', [-5, 6], 6), ints(3)] },
    ],
  },
};
