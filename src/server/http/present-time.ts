/** Times in answers. */

export function presentTime(ms: number): string {
  return new Date(ms).toISOString();
}
