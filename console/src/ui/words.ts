/** Names of features and of their values as people write them. */

/** `home_decor` is "home decor". */
export function featureWords(name: string): string {
  return name.replaceAll(/[_-]+/g, ' ').trim();
}

/** `age_band` is "Age band". */
export function featureTitle(name: string): string {
  return capital(featureWords(name));
}

export function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** A value as people write it: only underscores stand for spaces, as in `18-24`. */
export function valueWords(value: string): string {
  return value.replaceAll('_', ' ');
}
