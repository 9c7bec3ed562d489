/** Formats numbers for sentences. */

const GROUPED = new Intl.NumberFormat('en-US', { maximumFractionDigits: 1 });

/** Returns a number with thousands separators, such as `1,234,567`, and at most one decimal. */
export function grouped(number: number): string {
  return GROUPED.format(number);
}

/** Returns, for example, `1 segment` or `2 segments`. By default, the plural is the noun with an s. */
export function counted(count: number, noun: string, plural = `${noun}s`): string {
  return `${count} ${count === 1 ? noun : plural}`;
}
