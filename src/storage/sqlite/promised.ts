/** SQLite's methods return values; the ports return promises, because other stores answer over a network. */

/** A port as SQLite implements it: each method that returns a promise may return the value instead. */
export type Synchronous<T> = {
  [K in keyof T]: T[K] extends (...args: infer A) => Promise<infer R> ? (...args: A) => R | Promise<R> : T[K];
};

/** A method that returns a promise of what `F` returns. */
type Promised<F> = F extends (...args: infer A) => infer R ? (...args: A) => Promise<Awaited<R>> : F;

/**
 * The named methods of a part of the store, each of which returns a promise. The method itself runs at once, so its
 * effect is on disk before the call returns; an error rejects the promise. A method of a port that is not named is a
 * compile error.
 */
export function promised<T extends object, const K extends keyof T>(
  part: T,
  names: readonly K[],
): { readonly [P in K]: Promised<T[P]> } {
  const entries = names.map((name) => {
    const method = part[name] as (...args: readonly unknown[]) => unknown;
    return [name, async (...args: readonly unknown[]) => method.apply(part, args as unknown[])];
  });
  return Object.fromEntries(entries);
}
