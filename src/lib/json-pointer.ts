/** JSON pointers (RFC 6901). */

/** The pointer of a path: its names and indices from the root. */
export function jsonPointer(...path: readonly PropertyKey[]): string {
  return path.map((step) => `/${String(step).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
}
