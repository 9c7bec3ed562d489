/** Scores as numbers of an answer: float32 in the ranking, decimal outside. */

/**
 * The decimal with the fewest digits that is `score` (a float32) and no other one: .8123457, where the float32 written
 * out is .8123456835746765. `Math.fround` of it is `score` again.
 */
export function decimalScore(score: number): number {
  for (let scale = 1e7; scale <= 1e10; scale *= 10) {
    const decimal = Math.round(score * scale) / scale;
    if (Math.fround(decimal) === score) return decimal;
  }
  return Number(score.toPrecision(9));
}
