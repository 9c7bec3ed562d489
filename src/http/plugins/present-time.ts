/** Times in responses. */

export function presentTime(ms: number): string {
  return new Date(ms).toISOString();
}
