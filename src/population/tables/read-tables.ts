/** Reads users from Parquet or CSV tables into a version: DuckDB reads, checks and encodes, and returns numbers. */
import type { DuckDBDataChunk } from '@duckdb/node-api';
import { AppError, assert } from '../../lib/errors.ts';
import { columnOf, hasTokens } from '../../lib/feature-kinds.ts';
import { FULL } from '../../lib/text/text-table.ts';
import { type BadRows, type Duplicates, LastRows } from '../import/bad-rows.ts';
import type { ImportLimits } from '../import/import-limits.ts';
import type { ImportProgress } from '../import/import-progress.ts';
import { planUserId } from '../import/read-user.ts';
import { describeFault, type RowSink } from '../import/row-sink.ts';
import { checkFile, formatOf } from '../import/source-files.ts';
import { populationFeatures, type SourceSchema } from '../import/source-schema.ts';
import type { ColumnPlan, TableShape } from '../kinds/column-plan.ts';
import type { SourceFeature } from '../kinds/kind-import.ts';
import { KIND_IMPORTS } from '../kinds/table.ts';
import { gatherRows } from '../read/gather.ts';
import { RowSet } from '../read/row-set.ts';
import type { Column, Rows } from '../read/segments.ts';
import { float32Column, float32Lists, float64Column, int32Column, int32Lists, textColumn } from './chunks.ts';
import { type Database, withDatabase } from './database.ts';
import { codesSql, encodeTokens, type TokenCodes } from './dictionaries.ts';
import { openTables, rowErrors, type Tables } from './open-tables.ts';
import { expandSources } from './remote.ts';
import { createSource, findBadRows } from './source-view.ts';

export interface ReadTablesOptions {
  readonly schema: SourceSchema;
  readonly limits: ImportLimits;
  readonly badRows: BadRows;
  readonly duplicates: Duplicates;
  readonly memoryMib?: number;
  readonly onProgress?: (progress: ImportProgress) => void;
}

/** Expands patterns, and returns the files of `sources`, all of one format. */
export async function listSources(sources: readonly string[], scratch: string): Promise<string[]> {
  return await withDatabase({ scratch }, (database) => expandSources(sources, database));
}

/**
 * Reads the users of `sources`. Returns the number of rows that a later row of the same user replaced. Errors: AppError
 * `invalid_data`.
 */
export async function readTables(
  sources: readonly string[],
  writer: RowSink,
  options: ReadTablesOptions,
): Promise<number> {
  const { scratch } = writer;
  const database = { scratch, ...(options.memoryMib === undefined ? {} : { memoryMib: options.memoryMib }) };
  return await withDatabase(database, (opened) => new TableReader(opened, writer, options).read(sources));
}

class TableReader {
  readonly #database: Database;
  readonly #writer: RowSink;
  readonly #options: ReadTablesOptions;
  readonly #features: readonly SourceFeature[];
  readonly #onProgress: (progress: ImportProgress) => void;
  #bad = new RowSet();
  readonly #erased = new RowSet();
  readonly #replaced = new RowSet();

  constructor(database: Database, writer: RowSink, options: ReadTablesOptions) {
    this.#database = database;
    this.#writer = writer;
    this.#options = options;
    this.#features = options.schema.features;
    this.#onProgress = options.onProgress ?? (() => {});
  }

  async read(sources: readonly string[]): Promise<number> {
    const { schema, badRows } = this.#options;
    const paths = await expandSources(sources, this.#database);
    const format = formatOf(paths);
    assert(format !== 'ndjson', 'NDJSON has its own reader');
    for (const path of paths) checkFile(path, format);
    const tables = await openTables(paths, this.#database, {
      format,
      userId: schema.userId,
      ...(schema.delimiter === undefined ? {} : { delimiter: schema.delimiter }),
      pick: (shape) => [...new Set(this.#plans(shape).flatMap(({ columns }) => columns))],
      scratch: this.#writer.scratch,
      badRows,
      onPercent: (at, percent) => this.#onProgress({ phase: 'reading', at, percent }),
    });
    const plans = this.#plans(tables.shape);
    await createSource(this.#database, plans);
    const percent = (value: number) => this.#onProgress({ phase: 'checking', percent: value });
    this.#bad = await findBadRows(this.#database, tables, plans, badRows, percent);
    const byId = this.#writer.erased.isNeeded || this.#options.duplicates === 'last';
    if (byId) await this.#findLeftOutById();
    const rows = new Set([...this.#bad, ...this.#erased, ...this.#replaced]);
    const leftOut = rows.size > 0 ? 'left_out' : null;
    if (leftOut) await this.#database.fillRows(leftOut, rows);
    await this.#write(tables, await this.#encode(leftOut), leftOut !== null);
    return this.#replaced.size;
  }

  /** The plan for the user id, followed by the plans for the features. */
  #plans(shape: TableShape): ColumnPlan[] {
    const { schema, limits } = this.#options;
    return [
      planUserId(schema, shape, limits),
      ...schema.features.map((feature) => KIND_IMPORTS[feature.kind].plan(feature, shape, limits)),
    ];
  }

  /** Finds rows of erased users, and rows that a later row of the same user replaces. */
  async #findLeftOutById(): Promise<void> {
    const lastRows = this.#options.duplicates === 'last' ? new LastRows() : null;
    const limit = this.#options.limits.maximumUserIdBytes;
    for await (const chunk of this.#database.stream('SELECT "row"::DOUBLE, c0 FROM source')) {
      const rows = float64Column(chunk, 0);
      const ids = textColumn(chunk, 1);
      for (let i = 0; i < rows.length; i++) {
        const id = ids.getItem(i);
        if (id === null || this.#bad.has(rows[i]!)) continue;
        if (this.#writer.erased.has(id)) this.#erased.add(rows[i]!);
        else lastRows?.see(id, rows[i]!, limit, this.#replaced);
      }
    }
    this.#writer.erased.count(this.#erased.size);
  }

  async #encode(leftOut: string | null): Promise<(TokenCodes | null)[]> {
    const codes: (TokenCodes | null)[] = [];
    for (const [i, feature] of this.#features.entries()) {
      const percent = (value: number) =>
        this.#onProgress({ phase: 'collecting tokens', at: feature.name, percent: value });
      const source = { feature, column: `c${i + 1}`, leftOut };
      const dictionary = this.#writer.dictionaries[i]!;
      codes.push(
        hasTokens(feature.kind)
          ? await encodeTokens(source, dictionary, this.#options.limits, this.#database, percent)
          : null,
      );
    }
    return codes;
  }

  async #write(tables: Tables, codes: readonly (TokenCodes | null)[], leavesOut: boolean): Promise<void> {
    const columns = this.#features.map((feature, i) => {
      const own = codes[i];
      return own ? codesSql(feature, `c${i + 1}`, own, leavesOut) : `c${i + 1}`;
    });
    const sql = `SELECT "row"::DOUBLE, c0, ${columns.join(', ')} FROM source`;
    const features = populationFeatures(this.#options.schema);
    let last = -1;
    for await (const chunk of this.#database.stream(sql)) {
      const numbers = float64Column(chunk, 0);
      const kept: number[] = [];
      for (let i = 0; i < numbers.length; i++) {
        assert(numbers[i]! > last, 'rows come in the order of the files');
        last = numbers[i]!;
        if (!leavesOut || !this.#isLeftOut(last)) kept.push(i);
      }
      const read = { count: kept.length, userNumbers: this.#userNumbers(chunk, kept), columns: this.#columns(chunk) };
      const rows = kept.length === chunk.rowCount ? read : keepRows(read, chunk.rowCount, kept, features);
      const refused = this.#writer.addRows(rows);
      if (refused) {
        const id = this.#writer.directory.text(rows.userNumbers[refused.at]!);
        const message = describeFault(refused.fault, id);
        throw (await rowErrors(tables, [{ row: numbers[kept[refused.at]!]!, message }]))[0]!;
      }
      this.#onProgress({ phase: 'writing', rows: last + 1, total: tables.rows });
    }
    assert(last + 1 === tables.rows, 'every row of the files was read');
  }

  #isLeftOut(row: number): boolean {
    return this.#bad.has(row) || this.#erased.has(row) || this.#replaced.has(row);
  }

  #userNumbers(chunk: DuckDBDataChunk, kept: readonly number[]): Int32Array {
    const { maximumUserIdBytes, maximumUsers } = this.#options.limits;
    const ids = textColumn(chunk, 1);
    return Int32Array.from(kept, (row) => {
      const number = this.#writer.directory.add(ids.getItem(row) ?? '', maximumUserIdBytes);
      if (number === FULL || number >= maximumUsers) {
        const message = 'the directory is full: too many users';
        throw new AppError('invalid_data', message, { details: [{ pointer: 'users', message, limit: maximumUsers }] });
      }
      assert(number >= 0, 'the lengths of user ids were checked');
      return number;
    });
  }

  #columns(chunk: DuckDBDataChunk): Map<string, Column> {
    return new Map(this.#features.map((feature, i) => [feature.name, readColumn(feature, chunk, i + 2)]));
  }
}

function readColumn({ kind: own, size = 1 }: SourceFeature, chunk: DuckDBDataChunk, index: number): Column {
  const kind = columnOf(own);
  switch (kind) {
    case 'single':
      return { kind, codes: int32Column(chunk, index) };
    case 'multi':
      return { kind, ...int32Lists(chunk, index) };
    case 'number':
      return { kind, size: 1, values: float32Column(chunk, index) };
    case 'vector':
      return { kind, size, values: float32Lists(chunk, index, size) };
  }
}

/** Keeps only the given rows; `userNumbers` already contains only the users of kept rows. */
function keepRows(
  read: Rows,
  count: number,
  kept: readonly number[],
  features: ReturnType<typeof populationFeatures>,
): Rows {
  const whole = { count, userNumbers: new Int32Array(count), columns: read.columns };
  const { columns } = gatherRows(Int32Array.from(kept), count, features, () => whole);
  return { count: read.count, userNumbers: read.userNumbers, columns };
}
