/** Writes fields of CSV (RFC 4180). `csv-reader.ts` reads CSV. */

/** Quotes a field with a comma, a quote or a line break, and doubles the quotes in it. */
export function quoteCsv(field: string): string {
  return /[",\r\n]/.test(field) ? `"${field.replaceAll('"', '""')}"` : field;
}

/**
 * Like `quoteCsv`, for a spreadsheet. A spreadsheet would evaluate a field that begins like a formula, so an apostrophe
 * is added to make the field text. A program that reads the field back gets the text with the apostrophe.
 */
export function quoteSafeCsv(field: string): string {
  return quoteCsv(/^[=+\-@\t\r\n]/.test(field) ? `'${field}` : field);
}
