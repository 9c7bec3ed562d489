/** A piece of a list as the body of a request: openapi-fetch would make JSON of it. */
export function ndjsonBody(lines: string) {
  return {
    headers: { 'content-type': 'application/x-ndjson' },
    bodySerializer: (body: unknown) => body as string,
    body: lines,
  };
}
