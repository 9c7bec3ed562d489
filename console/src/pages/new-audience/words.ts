/** Names of features in words for people, and their pointers in the errors of the service. */

/** `age_band` is "Age band". */
export function nameOf(feature: string): string {
  const words = feature.replaceAll(/[_-]+/g, ' ').trim();
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** The JSON pointer of a feature, or of its filter. */
export function pointerOf(part: 'features' | 'filters', name: string): string {
  return `/${part}/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`;
}
