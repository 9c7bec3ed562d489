/** Records of CSV (RFC 4180): fields from text, and text from a field. */

/**
 * Why a record has no fields: an unclosed quote, text after a closing quote, a quote in an unquoted field.
 */
export type CsvFault = 'not_closed' | 'text_after_quote' | 'quote_in_field';

/**
 * The fields of a record; white space belongs to a field. Line ends within quotes are taken as they are. `separator` is
 * one character, no quote.
 */
export function splitCsvRecord(record: string, separator = ','): string[] | CsvFault {
  if (!record.includes('"')) return record.split(separator);
  const fields: string[] = [];
  for (let at = 0; ; ) {
    let field = '';
    if (record[at] === '"') {
      const closing = findClosingQuote(record, at + 1);
      if (closing < 0) return 'not_closed';
      field = record.slice(at + 1, closing).replaceAll('""', '"');
      at = closing + 1;
      if (at < record.length && record[at] !== separator) return 'text_after_quote';
    } else {
      const end = record.indexOf(separator, at);
      field = record.slice(at, end < 0 ? record.length : end);
      at += field.length;
      if (field.includes('"')) return 'quote_in_field';
    }
    fields.push(field);
    if (at >= record.length) return fields;
    at += 1;
  }
}

/** A field with a comma, a quote or a line break is quoted, its quotes doubled. */
export function quoteCsv(field: string): string {
  return /[",\r\n]/.test(field) ? `"${field.replaceAll('"', '""')}"` : field;
}

/**
 * The same for a spreadsheet, which would run a field that begins like a formula: an apostrophe makes it text.
 * A program that reads it back gets another field.
 */
export function quoteSafeCsv(field: string): string {
  return quoteCsv(/^[=+\-@\t\r\n]/.test(field) ? `'${field}` : field);
}

function findClosingQuote(text: string, from: number): number {
  for (let at = text.indexOf('"', from); at >= 0; at = text.indexOf('"', at + 2)) {
    if (text[at + 1] !== '"') return at;
  }
  return -1;
}
