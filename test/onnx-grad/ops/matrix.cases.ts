/** Cases of `ops/matrix.ts`. */
import { at, broadcast, fill, type Nd } from './arrays.ts';
import { bools, type Case, type Cases, constant, float, given } from './harness.ts';

const range = (count: number) => Array.from({ length: count }, (_, i) => i);

/** numpy's matmul: vectors get an axis that the result loses again. */
function product(x: Nd, y: Nd): Nd {
  const left = x.shape.length === 1 ? { ...x, shape: [1, x.shape[0]!] } : x;
  const right = y.shape.length === 1 ? { ...y, shape: [y.shape[0]!, 1] } : y;
  const inner = left.shape.at(-1)!;
  const batch = broadcast(left.shape.slice(0, -2), right.shape.slice(0, -2), []);
  const full = fill([...batch, left.shape.at(-2)!, right.shape.at(-1)!], (index) => {
    const [i, j] = index.slice(-2);
    const outer = index.slice(0, -2);
    return range(inner).reduce((sum, k) => sum + at(left, [...outer, i!, k]) * at(right, [...outer, k, j!]), 0);
  });
  const lost = [...(x.shape.length === 1 ? [-2] : []), ...(y.shape.length === 1 ? [-1] : [])];
  return { ...full, shape: full.shape.filter((_, axis) => !lost.includes(axis - full.shape.length)) };
}

const transposed = (x: Nd, swap: number | undefined): Nd =>
  swap ? fill([x.shape[1]!, x.shape[0]!], ([i, j]) => at(x, [j!, i!])) : x;

const gemmCases: readonly Case<'Gemm'>[] = [0, 1].flatMap((transA) =>
  [0, 1].map((transB) => ({
    inputs: [transA ? float(3, 2) : float(2, 3), transB ? float(4, 3) : float(3, 4), transA ? float(4) : float(2, 1)],
    attributes: { transA, transB, alpha: 0.5, beta: transB ? 0.25 : 1 },
  })),
);

export const matrixCases: Pick<Cases, 'MatMul' | 'Gemm' | 'Trilu'> = {
  MatMul: {
    reference: ([x, y]) => product(x!, y!),
    cases: [
      { inputs: [float(2, 3), float(3, 4)] },
      { inputs: [float(1, 1), float(1, 1)] },
      { inputs: [float(3), float(3)] },
      { inputs: [float(3), float(3, 2)] },
      { inputs: [float(2, 3), float(3)] },
      { inputs: [float(2, 2, 3), float(3)] },
      { inputs: [float(3), float(2, 3, 2)] },
      { inputs: [float(2, 2, 3), float(3, 2)] },
      { inputs: [float(2, 3), float(2, 3, 2)] },
      { inputs: [float(2, 2, 3), float(2, 3, 2)] },
      { inputs: [float(2, 2, 3), float(1, 3, 2)] },
      { inputs: [float(2, 1, 1, 3), float(2, 3, 2)] },
      { inputs: [float(0, 3), float(3, 2)] },
      { inputs: [float(2, 0), float(0, 3)] },
      { inputs: [float(2, 2, 0), float(0, 3)] },
      { inputs: [float(0, 2, 3), float(3, 2)] },
      { inputs: [float(3), float(2, 2, 3, 2)] },
      { inputs: [float(2, 2, 2, 3), float(3)] },
      { inputs: [float(2, 1, 2, 3), float(1, 2, 3, 1)] },
      { inputs: [float(2, 2, 3), float(2, 1, 3, 2)] },
      { inputs: [float(0), float(0)] },
      { inputs: [float(0), float(0, 2)] },
      { inputs: [float('k'), float('k')], sizes: [{ k: 3 }, { k: 1 }] },
      { inputs: [float('n', 'k'), float('k')], sizes: [{ n: 2, k: 3 }] },
      { inputs: [float('n', 3), float(3, 2)], sizes: [{ n: 2 }, { n: 1 }] },
      {
        inputs: [float('n', 2, 3), float('m', 3, 2)],
        sizes: [
          { n: 2, m: 2 },
          { n: 1, m: 2 },
          { n: 2, m: 1 },
        ],
      },
    ],
  },
  Gemm: {
    reference: ([x, y, c], { alpha = 1, beta = 1, transA, transB }) => {
      const xy = product(transposed(x!, transA), transposed(y!, transB));
      return fill(xy.shape, (index) => alpha * at(xy, index) + (c ? beta * at(c, index) : 0));
    },
    cases: [
      ...gemmCases,
      { inputs: [float(2, 3), float(3, 4)] },
      { inputs: [float(2, 3), float(3, 4), float()] },
      { inputs: [float(2, 3), float(3, 4), float(1)] },
      { inputs: [float(2, 3), float(3, 4), float(1, 4)] },
      { inputs: [float(2, 3), float(3, 4), float(2, 4)] },
      { inputs: [float(1, 3), float(3, 1), float(1, 1)] },
      { inputs: [float(0, 3), float(3, 2), float(2)] },
      { inputs: [float(2, 3), float(3, 0), float(1)] },
      { inputs: [float('n', 3), float(2, 3), float('m', 2)], attributes: { transB: 1 }, sizes: [{ n: 3, m: 1 }] },
    ],
  },
  Trilu: {
    reference: ([x, k], { upper = 1 }) => {
      const diagonal = k?.data[0] ?? 0;
      return fill(x!.shape, (index) => {
        const offset = index.at(-1)! - index.at(-2)! - diagonal;
        return (upper ? offset >= 0 : offset <= 0) ? at(x!, index) : 0;
      });
    },
    cases: [
      { inputs: [float(3, 3)] },
      { inputs: [float(3, 3)], attributes: { upper: 0 } },
      { inputs: [float(2, 4), constant('int64', [], [1])] },
      { inputs: [float(4, 2), constant('int64', [], [-2])], attributes: { upper: 0 } },
      { inputs: [float(2, 2, 3), constant('int64', [], [-1])] },
      { inputs: [float(3, 3), given('int64', [], [7])] },
      { inputs: [float(0, 3)] },
      { inputs: [bools(3, 3)], attributes: { upper: 0 } },
    ],
  },
};
