/** JSON pointers in the service's errors. */

/** Returns the JSON pointer of a feature or of a filter. */
export function pointerOf(part: 'features' | 'filters', name: string): string {
  return `/${part}/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`;
}
