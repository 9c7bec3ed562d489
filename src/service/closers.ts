/** Opens something that consists of several parts, and closes the parts in reverse order. */

/**
 * `open` registers a close function for each part. `close` calls them all; if `open` fails, they are called at once.
 */
export async function withClosers<T extends object>(
  open: (closers: AsyncDisposableStack) => Promise<T>,
): Promise<T & { close(): Promise<void> }> {
  const closers = new AsyncDisposableStack();
  try {
    return { ...(await open(closers)), close: () => closers.disposeAsync() };
  } catch (error) {
    await closers.disposeAsync();
    throw error;
  }
}
