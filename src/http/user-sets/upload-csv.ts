/** Reads one or two columns of a CSV file with a header row, record by record. */
import { CSV_FAULTS, type CsvFault, CsvReader } from '../../lib/text/csv-reader.ts';
import type { LineBatch } from '../../lib/text/lines.ts';
import type { LineErrors } from './upload-lines.ts';

/**
 * Receives a field, the first line of its record, and the field of the optional column (undefined if the file does not
 * have that column).
 */
export type TakeField = (value: string, line: number, optional: string | undefined) => void;

/** Parses the lines of a CSV file in order. */
export class CsvColumn {
  readonly #name: string;
  readonly #optional: string | null;
  readonly #errors: LineErrors;
  readonly #reader: CsvReader;
  #index = -1;
  #optionalIndex = -1;
  #width = 0;

  constructor(
    { name, optional = null }: { readonly name: string; readonly optional?: string | null },
    maximumRecordBytes: number,
    errors: LineErrors,
    take: TakeField,
  ) {
    this.#name = name;
    this.#optional = optional;
    this.#errors = errors;
    this.#reader = new CsvReader({
      maximumRecordBytes,
      take: (fields, line) => this.#take(fields, line, take),
      refuse: (fault, line) => this.#refuse(fault, line, maximumRecordBytes),
    });
  }

  /** Whether a blank line can be skipped here. A blank line within quotes cannot be skipped. */
  readonly skipsBlank = (): boolean => !this.#reader.isInside;

  read(lines: LineBatch): void {
    this.#reader.read(lines);
  }

  /** Checks for errors at the end of the file. */
  end(): void {
    this.#reader.end();
    if (this.#index < 0) this.#errors.fail(1, `a header row with the column ${this.#name} is expected`);
  }

  #refuse(fault: CsvFault, line: number, limit: number): void {
    if (fault === 'too_long')
      this.#errors.fail(line, `a record may have at most ${limit} bytes: a closing quote may be missing`, { limit });
    if (fault === 'not_closed') this.#errors.fail(line, CSV_FAULTS[fault]);
    this.#errors.add(line, CSV_FAULTS[fault]);
  }

  #take(fields: readonly string[], line: number, take: TakeField): void {
    if (this.#index < 0) {
      this.#index = fields.indexOf(this.#name);
      this.#optionalIndex = this.#optional === null ? -1 : fields.indexOf(this.#optional);
      this.#width = fields.length;
      if (this.#index < 0) this.#errors.fail(line, withoutColumn(this.#name, fields));
      return;
    }
    if (fields.length === this.#width) take(fields[this.#index]!, line, fields[this.#optionalIndex]);
    else this.#errors.add(line, `the record has ${fields.length} fields, but the header row has ${this.#width}`);
  }
}

/** Maximum number of columns in an error message, and of characters of each column name. */
const NAMED_COLUMNS = 10;
const NAMED_CHARACTERS = 40;

/**
 * Returns the message for a missing column. The message lists the existing columns, even if they are not separated by
 * commas.
 */
function withoutColumn(name: string, fields: readonly string[]): string {
  const other = fields.length === 1 ? SEPARATORS.find(([separator]) => fields[0]!.includes(separator)) : undefined;
  const columns = other === undefined ? fields : fields[0]!.split(other[0]);
  const named = columns.slice(0, NAMED_COLUMNS).map((column) => JSON.stringify(column.slice(0, NAMED_CHARACTERS)));
  const all = `${named.join(', ')}${columns.length > NAMED_COLUMNS ? ` and ${columns.length - NAMED_COLUMNS} more` : ''}`;
  if (other === undefined) return `the header row has no column ${name}; its columns are ${all}`;
  return `fields must be separated by commas, but this header row uses ${other[1]}; its columns are ${all}`;
}

const SEPARATORS = [
  [';', 'semicolons'],
  ['\t', 'tabs'],
  ['|', 'vertical bars'],
] as const;
