/** A number with what it counts. */

/** `1 segment`, `2 segments`: the plural has an s, unless another is given. */
export function counted(count: number, noun: string, plural = `${noun}s`): string {
  return `${count} ${count === 1 ? noun : plural}`;
}
