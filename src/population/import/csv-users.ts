/** Reads users from CSV files with the grammar of `src/lib/text/csv-reader.ts`. Every field is text. */
import { LINE_LIMITS, lineError, readWholeLines } from '../../dataset/lines.ts';
import { csvError } from '../../dataset/records.ts';
import { AppError } from '../../lib/errors.ts';
import { CsvReader } from '../../lib/text/csv-reader.ts';
import type { ColumnPlan } from '../kinds/column-plan.ts';
import type { Cell } from '../kinds/kind-import.ts';
import { KIND_IMPORTS } from '../kinds/table.ts';
import { numbersOf } from '../kinds/vector.ts';
import { type CsvHead, readCsvHead } from './csv-head.ts';
import { planUserId } from './read-user.ts';
import type { SourceSchema } from './source-schema.ts';
import type { UserBatch, UserFile } from './user-file.ts';

/** A CSV file: its path in messages, and the file to read (a local copy if the source is remote). */
export interface CsvPath {
  readonly path: string;
  readonly file: string;
}

/**
 * Opens the files. The header of the first file determines the columns. Errors: AppError `invalid_data` for a header
 * that is missing or malformed, or that lacks a column.
 */
export async function openCsvUsers(paths: readonly CsvPath[], schema: SourceSchema): Promise<readonly UserFile[]> {
  const heads: CsvHead[] = [];
  for (const { path, file } of paths) heads.push(await readCsvHead(path, file, schema.userId, schema.delimiter));
  const first = heads[0]!;
  const shape = { path: first.path, types: new Map(first.columns.map((name) => [name, 'VARCHAR'])) };
  const plans = [
    planUserId(schema, shape),
    ...schema.features.map((feature) => KIND_IMPORTS[feature.kind].plan(feature, shape)),
  ];
  const columns = plans.flatMap((plan) => plan.columns);
  for (const head of heads) {
    const missing = columns.find((name) => !head.columns.includes(name));
    if (missing !== undefined)
      throw lineError(head.path, 1, `the header lacks the column "${missing}", which ${first.path} has`);
  }
  return heads.map((head) => ({
    path: head.path,
    hasLines: true,
    idName: 'the user id',
    batches: () => readBatches(head, plans),
  }));
}

/** The rows after the header. A row that cannot be read is replaced by its error. Memory: one batch plus one record. */
export async function* readCsvRows({ path, file, delimiter, columns }: CsvHead): AsyncGenerator<{
  readonly rows: readonly (readonly string[] | AppError)[];
  readonly lines: readonly number[];
}> {
  let isHeader = true;
  let rows: (readonly string[] | AppError)[] = [];
  let lines: number[] = [];
  const add = (row: readonly string[] | AppError, line: number) => {
    rows.push(row);
    lines.push(line);
  };
  const reader = new CsvReader({
    delimiter,
    maximumRecordBytes: LINE_LIMITS.maximumLineBytes,
    take: (fields, line) => {
      if (isHeader) isHeader = false;
      else if (fields.length === columns.length) add(fields, line);
      else {
        const message = `the row has ${fields.length} fields, but ${columns.length} are expected`;
        add(lineError(path, line, message), line);
      }
    },
    refuse: (fault, line) => add(csvError(path, line, fault), line),
  });
  for await (const batch of readWholeLines(file, LINE_LIMITS, 'utf-8', path)) {
    reader.read(batch);
    yield { rows, lines };
    [rows, lines] = [[], []];
  }
  reader.end();
  yield { rows, lines };
}

async function* readBatches(head: CsvHead, plans: readonly ColumnPlan[]): AsyncGenerator<UserBatch, void, void> {
  const [id, ...places] = plans.map(({ columns }) => columns.map((name) => head.columns.indexOf(name)));
  for await (const { rows, lines } of readCsvRows(head)) yield new CsvBatch(rows, lines, id![0]!, places);
}

class CsvBatch implements UserBatch {
  readonly #rows: readonly (readonly string[] | AppError)[];
  readonly #lines: readonly number[];
  readonly #id: number;
  /** For each feature, the indices of its columns. */
  readonly #places: readonly (readonly number[])[];

  constructor(
    rows: readonly (readonly string[] | AppError)[],
    lines: readonly number[],
    id: number,
    places: readonly (readonly number[])[],
  ) {
    this.#rows = rows;
    this.#lines = lines;
    this.#id = id;
    this.#places = places;
  }

  get count(): number {
    return this.#rows.length;
  }

  lineOf(row: number): number {
    return this.#lines[row]!;
  }

  userId(row: number): string {
    return this.#fieldsOf(row)[this.#id]!;
  }

  readValues(row: number, cells: readonly Cell[]): void {
    const fields = this.#fieldsOf(row);
    for (let i = 0; i < cells.length; i++) {
      const [cell, places] = [cells[i]!, this.#places[i]!];
      const kind = KIND_IMPORTS[cell.feature.kind];
      if (places.length === 1) kind.parseText(fields[places[0]!]!, cell);
      else kind.parse(numbersOf(places.map((place) => fields[place]!)), cell);
    }
  }

  #fieldsOf(row: number): readonly string[] {
    const fields = this.#rows[row]!;
    if (fields instanceof AppError) throw fields;
    return fields;
  }
}
