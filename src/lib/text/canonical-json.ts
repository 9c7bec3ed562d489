/** Canonical JSON: equal values give equal text, even if the order of their keys differs. */

/**
 * RFC 8785 (JSON Canonicalization Scheme): no spaces, keys sorted by UTF-16 code units, numbers as ECMAScript writes
 * them.
 */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  if (value === null || typeof value !== 'object') return JSON.stringify(value);
  const entries = sortedEntries(value).filter(([, item]) => item !== undefined);
  return `{${entries.map(([key, item]) => `${JSON.stringify(key)}:${canonicalJson(item)}`).join(',')}}`;
}

/** The entries of an object in the order of their keys' UTF-16 code units. */
export function sortedEntries<T>(values: Readonly<Record<string, T>> | object): [string, T][] {
  return Object.entries(values).sort(([a], [b]) => (a < b ? -1 : 1));
}
