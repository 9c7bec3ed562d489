/** Opens something of several parts, which are closed in the reverse order. */

/** `open` defers the closing of each part. All parts are closed by `close`, or at once if `open` fails. */
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
