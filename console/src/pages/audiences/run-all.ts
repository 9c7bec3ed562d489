/** Does the same to many items, a few at a time. */

/** Maximum number of items at the same time. */
const AT_ONCE = 4;

export interface Outcome<T> {
  readonly done: readonly T[];
  readonly failures: readonly { readonly item: T; readonly error: unknown }[];
}

/** Calls `work` for each item. A failure does not stop the others. `onProgress` gets the number of items so far. */
export async function runAll<T>(
  items: readonly T[],
  work: (item: T) => Promise<unknown>,
  onProgress: (ended: number) => void,
): Promise<Outcome<T>> {
  const done: T[] = [];
  const failures: { item: T; error: unknown }[] = [];
  // all workers take from the same iterator
  const pending = items.values();
  const worker = async () => {
    for (const item of pending) {
      try {
        await work(item);
        done.push(item);
      } catch (error) {
        failures.push({ item, error });
      }
      onProgress(done.length + failures.length);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return { done, failures };
}
