/** A piece of a list as a request body: openapi-fetch would turn it into JSON. */
export function ndjsonBody(lines: string) {
  return {
    headers: { 'content-type': 'application/x-ndjson' },
    bodySerializer: (body: unknown) => body as string,
    body: lines,
  };
}
