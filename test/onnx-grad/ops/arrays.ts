/** Row-major arrays of numbers in the simplest form: the reference for ONNX Runtime's results. */

export interface Nd {
  readonly shape: readonly number[];
  readonly data: readonly number[];
}

/** The array whose element at `index` is `at(index)`. */
export function fill(shape: readonly number[], at: (index: readonly number[]) => number): Nd {
  const count = shape.reduce((product, size) => product * size, 1);
  const data = Array.from({ length: count }, (_, flat) => at(indexAt(shape, flat)));
  return { shape, data };
}

function indexAt(shape: readonly number[], flat: number): number[] {
  const index = new Array<number>(shape.length);
  let rest = flat;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    index[axis] = rest % shape[axis]!;
    rest = Math.floor(rest / shape[axis]!);
  }
  return index;
}

/** The position of the element at `index`. */
export function flatIndex(shape: readonly number[], index: readonly number[]): number {
  return shape.reduce((flat, size, axis) => flat * size + index[axis]!, 0);
}

/** The element at `index` of `x` after broadcasting: aligned on the right, size 1 repeats. */
export function at(x: Nd, index: readonly number[]): number {
  const own = index.slice(index.length - x.shape.length).map((i, axis) => (x.shape[axis] === 1 ? 0 : i));
  return x.data[flatIndex(x.shape, own)]!;
}

export function broadcast(...shapes: readonly (readonly number[])[]): number[] {
  const rank = Math.max(...shapes.map((shape) => shape.length));
  return Array.from({ length: rank }, (_, axis) => {
    const sizes = shapes.map((shape) => shape[axis - rank + shape.length] ?? 1);
    return sizes.find((size) => size !== 1) ?? 1;
  });
}

/** `f` of each element, broadcast. */
export function elementwise(f: (...elements: readonly number[]) => number, ...xs: readonly Nd[]): Nd {
  return fill(broadcast(...xs.map((x) => x.shape)), (index) => f(...xs.map((x) => at(x, index))));
}

/** Negative axes count from the end. */
export function axisOf(axis: number, rank: number): number {
  return axis < 0 ? axis + rank : axis;
}

/**
 * Groups the elements of `x` that only differ along `axes`, and reduces each group to one element; the axes stay with
 * size 1.
 */
export function reduce(x: Nd, axes: readonly number[], f: (group: readonly number[]) => number): Nd {
  const shape = x.shape.map((size, axis) => (axes.includes(axis) ? 1 : size));
  const groups = fill(shape, () => 0).data.map((): number[] => []);
  fill(x.shape, (index) =>
    groups[
      flatIndex(
        shape,
        index.map((i, axis) => (axes.includes(axis) ? 0 : i)),
      )
    ]!.push(at(x, index)),
  );
  return { shape, data: groups.map(f) };
}

export function squeeze(x: Nd, axes: readonly number[]): Nd {
  return { shape: x.shape.filter((_, axis) => !axes.includes(axis)), data: x.data };
}
