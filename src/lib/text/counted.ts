/** Numbers in sentences. */

const GROUPED = new Intl.NumberFormat('en-US', { maximumFractionDigits: 1 });

/** `1,234,567`; at most one decimal. */
export function grouped(number: number): string {
  return GROUPED.format(number);
}

/** `1 segment`, `2 segments`: the plural has an s, unless another is given. */
export function counted(count: number, noun: string, plural = `${noun}s`): string {
  return `${count} ${count === 1 ? noun : plural}`;
}
