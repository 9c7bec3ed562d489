/** JSON pointers (RFC 6901). */

/** The JSON pointer of a path, which consists of the names and indices from the root. */
export function jsonPointer(...path: readonly PropertyKey[]): string {
  return path.map((step) => `/${String(step).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
}
