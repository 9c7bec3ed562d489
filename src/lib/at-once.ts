/** Values that are usually in memory, so that routes which take microseconds wait for no promise. */

/** Applies `use` to a value at once, or to the result of a promise later. */
export function andThen<T, R>(value: T | Promise<T>, use: (value: T) => R | Promise<R>): R | Promise<R> {
  return value instanceof Promise ? value.then(use) : use(value);
}
