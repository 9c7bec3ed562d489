/** Fields of CSV (RFC 4180) from text. `csv-reader.ts` reads them. */

/** A field with a comma, a quote or a line break is quoted, its quotes doubled. */
export function quoteCsv(field: string): string {
  return /[",\r\n]/.test(field) ? `"${field.replaceAll('"', '""')}"` : field;
}

/**
 * Like `quoteCsv`, for a spreadsheet, which would evaluate a field that begins like a formula: an apostrophe makes it
 * text. A program that reads the field back gets a different text.
 */
export function quoteSafeCsv(field: string): string {
  return quoteCsv(/^[=+\-@\t\r\n]/.test(field) ? `'${field}` : field);
}
