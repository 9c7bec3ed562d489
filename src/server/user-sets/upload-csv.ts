/** CSV (RFC 4180) with a header row: the fields of one column, record by record. */
import { splitCsvRecord } from '../../lib/csv.ts';
import { type LineBatch, withoutReturn } from '../../lib/lines.ts';
import type { LineErrors } from './upload-lines.ts';

/** A field, and the line that its record begins at. */
export type TakeField = (value: string, line: number) => void;

/**
 * Takes the lines of a CSV file in order. A record continues on the next line while its number of quotes is odd, as
 * quotes in a field are doubled.
 */
export class CsvColumn {
  readonly #name: string;
  readonly #maximumRecordBytes: number;
  readonly #errors: LineErrors;
  #index = -1;
  #width = 0;
  /** The lines so far of an unfinished record. */
  #open: string | null = null;
  #openLine = 0;

  constructor(name: string, maximumRecordBytes: number, errors: LineErrors) {
    this.#name = name;
    this.#maximumRecordBytes = maximumRecordBytes;
    this.#errors = errors;
  }

  read({ firstLine, lines }: LineBatch, take: TakeField): void {
    lines.forEach((line, i) => {
      if (this.#open === null && !line.includes('"')) {
        this.#record(withoutReturn(line).split(','), firstLine + i, take);
        return;
      }
      if (this.#open === null) this.#openLine = firstLine + i;
      const record: string = this.#open === null ? line : `${this.#open}\n${line}`;
      if (Buffer.byteLength(record) > this.#maximumRecordBytes) {
        const limit = this.#maximumRecordBytes;
        this.#errors.fail(this.#openLine, `a record may have at most ${limit} bytes: is a quote unclosed?`, { limit });
      }
      const isWhole = countQuotes(record) % 2 === 0;
      this.#open = isWhole ? null : record;
      if (isWhole) this.#quotedRecord(withoutReturn(record), take);
    });
  }

  /** Checks for errors at the end of the file. */
  end(): void {
    if (this.#open !== null) this.#errors.fail(this.#openLine, 'a quoted field is not closed');
    if (this.#index < 0) this.#errors.fail(1, `a header row with the column ${this.#name} is expected`);
  }

  #quotedRecord(record: string, take: TakeField): void {
    const fields = splitCsvRecord(record);
    if (typeof fields !== 'string') this.#record(fields, this.#openLine, take);
    else this.#errors.add(this.#openLine, 'a quote must enclose a field or be doubled', { value: record });
  }

  #record(fields: readonly string[], line: number, take: TakeField): void {
    if (fields.length === 1 && fields[0] === '') return; // an empty line
    if (this.#index < 0) {
      this.#index = fields.indexOf(this.#name);
      this.#width = fields.length;
      if (this.#index < 0) this.#errors.fail(line, withoutColumn(this.#name, fields));
      return;
    }
    if (fields.length === this.#width) take(fields[this.#index]!, line);
    else this.#errors.add(line, `the record has ${fields.length} fields, but the header row has ${this.#width}`);
  }
}

/** Columns that an error names, and characters of each. */
const NAMED_COLUMNS = 10;
const NAMED_CHARACTERS = 40;

/** Lists the existing columns, even if they are not separated by commas. */
function withoutColumn(name: string, fields: readonly string[]): string {
  const other = fields.length === 1 ? SEPARATORS.find(([separator]) => fields[0]!.includes(separator)) : undefined;
  const columns = other === undefined ? fields : fields[0]!.split(other[0]);
  const named = columns.slice(0, NAMED_COLUMNS).map((column) => JSON.stringify(column.slice(0, NAMED_CHARACTERS)));
  const all = `${named.join(', ')}${columns.length > NAMED_COLUMNS ? ` and ${columns.length - NAMED_COLUMNS} more` : ''}`;
  if (other === undefined) return `the header row has no column ${name}, but ${all}`;
  return `fields must be separated by commas, but this header row has ${other[1]}: its columns are ${all}`;
}

const SEPARATORS = [
  [';', 'semicolons'],
  ['\t', 'tabs'],
  ['|', 'vertical bars'],
] as const;

function countQuotes(text: string): number {
  let count = 0;
  for (let at = text.indexOf('"'); at >= 0; at = text.indexOf('"', at + 1)) count += 1;
  return count;
}
