/** Sorts values that have a natural order: numbers, bands of numbers, dates, days of the week and months. */

type Kind = 'number' | 'date' | 'day' | 'month';

/** Sort key of a value: first by `at`, then by `after`. */
interface Place {
  readonly kind: Kind;
  readonly at: number;
  /** -1 for a value below `at` ("< 18"), 1 for a value above `at` ("> 65"). */
  readonly after: number;
}

/**
 * Returns the items in the order of their values, items without a value last, or null if not all values have an order.
 */
export function inOrder<T>(items: readonly T[], textOf: (item: T) => string | null): readonly T[] | null {
  const placed = items.map((item) => {
    const value = textOf(item);
    return { item, isNone: value === null, place: value === null ? null : placeOf(value) };
  });
  const kinds = new Set(placed.filter(({ isNone }) => !isNone).map(({ place }) => place?.kind));
  if (kinds.size !== 1 || kinds.has(undefined)) return null;
  placed.sort(({ place: a }, { place: b }) => {
    if (a === null || b === null) return Number(a === null) - Number(b === null);
    return a.at - b.at || a.after - b.after;
  });
  return placed.map(({ item }) => item);
}

const NUMBER = String.raw`[$€£]?\s?(-?\d{1,3}(?:,\d{3})+(?:\.\d+)?|-?\d+(?:\.\d+)?)\s?(k|m|%)?`;
const RANGE = new RegExp(String.raw`^[[(]?${NUMBER}\s*(?:-|–|—|\.\.|,|to)\s*${NUMBER}[\])]?$`, 'i');
const ALONE = new RegExp(`^${NUMBER}$`, 'i');
const BELOW = new RegExp(String.raw`^(?:<=?|≤|under|below|up to|less than)\s*${NUMBER}$`, 'i');
const ABOVE = new RegExp(String.raw`^(?:>=?|≥|over|above|more than|at least)\s*${NUMBER}$`, 'i');
const AND_ABOVE = new RegExp(String.raw`^${NUMBER}\s*(?:\+|(?:and|or) (?:over|above|more|older))$`, 'i');
const DATE = /^\d{4}-(0[1-9]|1[0-2])(-\d{2}([T ].*)?)?$/i;

const DAYS = ['monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday'];
const MONTHS = 'january february march april may june july august september october november december'.split(' ');

function placeOf(value: string): Place | null {
  const text = value.trim().toLowerCase();
  if (DATE.test(text)) return { kind: 'date', at: Date.parse(text.toUpperCase()), after: 0 };
  for (const [kind, names] of [['day', DAYS] as const, ['month', MONTHS] as const]) {
    const at = names.findIndex((name) => name === text || name.slice(0, 3) === text);
    if (at >= 0) return { kind, at, after: 0 };
  }
  for (const [pattern, after] of [
    [ALONE, 0] as const,
    [RANGE, 0] as const,
    [BELOW, -1] as const,
    [ABOVE, 1] as const,
    [AND_ABOVE, 1] as const,
  ]) {
    const [, digits, unit] = pattern.exec(text) ?? [];
    if (digits !== undefined) return { kind: 'number', at: numberOf(digits, unit), after };
  }
  return null;
}

function numberOf(digits: string, unit: string | undefined): number {
  return Number(digits.replaceAll(',', '')) * (unit === 'k' ? 1e3 : unit === 'm' ? 1e6 : 1);
}
