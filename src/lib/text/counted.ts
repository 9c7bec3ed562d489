/** Formats numbers for sentences. */

/** Returns a number with thousands separators, such as `1,234,567`, and at most one decimal. */
export function grouped(number: number): string {
  return number.toLocaleString('en-US', { maximumFractionDigits: 1 });
}

/** Formats a number of bytes in MiB, such as `1.5 MiB`. */
export function mebibytes(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(1)} MiB`;
}

/** Returns, for example, `1 segment` or `2 segments`. By default, the plural is the noun with an s. */
export function counted(count: number, noun: string, plural = `${noun}s`): string {
  return `${count} ${count === 1 ? noun : plural}`;
}
