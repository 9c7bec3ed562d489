/** Reads a body line by line, as it arrives. */

/** A line of the service is far shorter; a body without line breaks must not fill the memory. */
const MAXIMUM_LINE_CHARACTERS = 1 << 20;

/** Yields the lines of a body. The body is cancelled if the caller stops before its end. */
export async function* linesOf(body: ReadableStream<Uint8Array>): AsyncGenerator<string, void, undefined> {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let rest = '';
  try {
    for (;;) {
      const { done, value } = await reader.read();
      const lines = (rest + decoder.decode(value, { stream: !done })).split('\n');
      rest = lines.pop() ?? '';
      if (rest.length > MAXIMUM_LINE_CHARACTERS) throw new RangeError('the response has a line that is too long');
      for (const line of lines) if (line !== '') yield line;
      if (done) break;
    }
    if (rest !== '') yield rest;
  } finally {
    await reader.cancel().catch(() => {});
  }
}
