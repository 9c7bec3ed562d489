/** Lists of ids as NDJSON. */

export function ndjsonOf(ids: readonly string[]): string {
  return ids.map((id) => `${JSON.stringify(id)}\n`).join('');
}

/** Makes a piece of a list a request body without the conversion of openapi-fetch to JSON. */
export function ndjsonBody(lines: string) {
  return {
    headers: { 'content-type': 'application/x-ndjson' },
    bodySerializer: (body: unknown) => body as string,
    body: lines,
  };
}
