/** Closes what was opened, in the reverse order. */

/** Functions that close parts, to be called in the reverse order. */
export type Closers = (() => Promise<void> | void)[];

/**
 * Opens parts, each of which pushes a function that closes it. They are closed in the reverse order by `close`, or at
 * once if `open` fails.
 */
export async function withClosers<T extends object>(
  open: (closers: Closers) => Promise<T>,
): Promise<T & { close(): Promise<void> }> {
  const closers: Closers = [];
  const close = async () => {
    const errors: unknown[] = [];
    // a part that cannot be closed keeps no other part open
    while (closers.length > 0)
      try {
        await closers.pop()!();
      } catch (error) {
        errors.push(error);
      }
    if (errors.length > 0) throw errors[0];
  };
  try {
    return { ...(await open(closers)), close };
  } catch (error) {
    await close();
    throw error;
  }
}
