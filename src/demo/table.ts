/** Formats tables as plain text in aligned columns. */

/**
 * Formats rows of cells as lines. Every column is as wide as its widest cell, with two spaces between columns. `align`
 * has one letter per column: l or r.
 */
export function alignColumns(rows: readonly (readonly string[])[], align: string): string[] {
  const widths = Array.from(align, (_, i) => Math.max(0, ...rows.map((row) => row[i]?.length ?? 0)));
  return rows.map((row) =>
    widths
      .map((width, i) => (align[i] === 'r' ? (row[i] ?? '').padStart(width) : (row[i] ?? '').padEnd(width)))
      .join('  ')
      .trimEnd(),
  );
}

/** Formats a number with thousands separators: 12345 becomes `12,345`. */
export function formatCount(count: number): string {
  return String(count).replace(/\B(?=(\d{3})+$)/g, ',');
}

const FACTOR = new Intl.NumberFormat('en', { minimumFractionDigits: 1, maximumFractionDigits: 1 });

/** Formats a factor with one digit after the point, rounded as in the console: 3.65 becomes `3.7`. */
export function formatFactor(factor: number): string {
  return FACTOR.format(factor);
}

/** Cuts `text` to `width` characters. Shortened text ends with two dots. */
export function cutText(text: string, width: number): string {
  return text.length <= width ? text : `${text.slice(0, width - 2)}..`;
}
