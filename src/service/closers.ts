/** Opens something that consists of several parts, and closes the parts in reverse order. */

/**
 * `open` registers a close function for each part. The result's `close` calls all of them. If `open` fails, the parts
 * that are already open are closed at once.
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
