/** Parses numbers that users type with a decimal point or comma. Ambiguous numbers are rejected. */

/**
 * Reads "12.5" and "12,5" alike. Returns null if the text is empty, not a number or ambiguous, such as "1,000", which
 * means one in some countries.
 */
export function readNumber(text: string): number | null {
  const trimmed = text.trim();
  if (/^[+-]?[1-9]\d{0,2},\d{3}$/.test(trimmed)) return null;
  const plain = trimmed.replace(',', '.');
  return /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(plain) ? Number(plain) : null;
}

/**
 * Reads the whole numbers "1000", "1,000", "1.000", "1 000" and "1'000" alike. Returns null if the text is not a whole
 * number.
 */
export function readWhole(text: string): number | null {
  const trimmed = text.trim();
  if (!/^(?:\d+|\d{1,3}([.,'’ ])\d{3}(?:\1\d{3})*)$/.test(trimmed.replace(/[\u00a0\u202f]/g, ' '))) return null;
  return Number(trimmed.replace(/\D/g, ''));
}
