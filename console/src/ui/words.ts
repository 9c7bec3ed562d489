/** Readable names of features and of their values. */

/** `age_band` becomes "Age band". */
export function featureTitle(name: string): string {
  return capital(name.replaceAll(/[_-]+/g, ' ').trim());
}

export function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** Returns a readable value. Only underscores become spaces; `18-24` stays. */
export function valueWords(value: string): string {
  return value.replaceAll('_', ' ');
}
