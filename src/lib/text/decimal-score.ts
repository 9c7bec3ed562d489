/** Converts scores from float32 (in rankings) to decimal numbers (in JSON responses). */

/**
 * The shortest decimal number that identifies the float32 `score`: .8123457 instead of .8123456835746765. `Math.fround`
 * converts the number back to `score`.
 */
export function decimalScore(score: number): number {
  for (let scale = 1e7; scale <= 1e10; scale *= 10) {
    const decimal = Math.round(score * scale) / scale;
    if (Math.fround(decimal) === score) return decimal;
  }
  return Number(score.toPrecision(9));
}
