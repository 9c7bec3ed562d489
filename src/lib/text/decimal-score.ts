/** Scores as numbers in JSON: float32 in the ranking, decimal in responses. */

/**
 * The shortest decimal that identifies the float32 `score`: .8123457 instead of .8123456835746765. `Math.fround` turns
 * it back into `score`.
 */
export function decimalScore(score: number): number {
  for (let scale = 1e7; scale <= 1e10; scale *= 10) {
    const decimal = Math.round(score * scale) / scale;
    if (Math.fround(decimal) === score) return decimal;
  }
  return Number(score.toPrecision(9));
}
