/** A number with what it counts. */

/** `1 segment`, `2 segments`: the plural takes an s. */
export function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}
