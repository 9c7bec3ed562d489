/**
 * Converts columns of a log to features of users or items. A feature's value comes from the user's or item's earliest
 * row with a value.
 */

import { TextTable } from '../../lib/text/text-table.ts';
import type { Row, RowSource, Value } from '../row-source.ts';
import {
  ColumnSurvey,
  type Columns,
  type FeatureColumn,
  finishSurveys,
  type RecordValue,
  recordValue,
  requireColumn,
} from './columns.ts';
import { type ColumnTypes, typedColumn } from './typed-columns.ts';

/** Maximum size of a value, in bytes. */
const MAXIMUM_VALUE_BYTES = 64 * 1024;

export interface LogFeaturesOptions {
  readonly names: readonly string[];
  /** The command line option that names the columns, such as `--item-features`. */
  readonly option: string;
  readonly types: ColumnTypes;
  readonly separator: string;
}

/** Collects values while a log is read. */
export class LogFeatures {
  readonly columns: readonly LogColumn[];
  readonly #source: RowSource;

  private constructor(source: RowSource, columns: readonly LogColumn[]) {
    this.#source = source;
    this.columns = columns;
  }

  /** Errors (AppError): `invalid_argument` for an unknown column; the errors of `typedColumn`. */
  static async open(source: RowSource, { names, option, types, separator }: LogFeaturesOptions): Promise<LogFeatures> {
    const columns: LogColumn[] = [];
    for (const name of names) {
      requireColumn(source, name, option);
      const typed = await typedColumn(source, name, types, separator);
      columns.push(new LogColumn(new ColumnSurvey(name, separator, typed)));
    }
    return new LogFeatures(source, columns);
  }

  get names(): string[] {
    return this.columns.map(({ survey }) => survey.name);
  }

  /** Adds the values of a row, which begin at index `from`. `time` decides which row is the earliest. */
  add(owner: number, { line, values }: Row, from: number, time: number): void {
    for (let i = 0; i < this.columns.length; i++) this.columns[i]!.add(owner, values[from + i] ?? null, time, line);
  }

  /** Returns the columns as features of these users or items. Errors: AppError `invalid_data`, naming file:line. */
  finish(owners: Iterable<number>, what: string): LogFeatureColumns {
    const all = [...owners];
    for (const column of this.columns) column.surveyAll(all, this.#source.path);
    const found = finishSurveys(
      this.columns.map(({ survey }) => survey),
      what,
    );
    const byName = new Map(this.columns.map((column) => [column.survey.name, column]));
    const recordOf = (owner: number): [string, RecordValue][] =>
      found.features.map((feature: FeatureColumn) => [
        feature.name,
        recordValue(byName.get(feature.name)!.get(owner), feature),
      ]);
    return { ...found, recordOf };
  }
}

export interface LogFeatureColumns extends Columns {
  /** The names and values that these features add to a record. */
  recordOf(owner: number): readonly [string, RecordValue][];
}

/**
 * The earliest value in one column for each user or item. Memory: 16 bytes per user or item, plus each distinct value
 * once.
 */
class LogColumn {
  readonly survey: ColumnSurvey;
  /** The distinct values as JSON, because a slice of a line would keep the whole chunk in memory. */
  readonly #texts = new TextTable();
  #codes = new Int32Array(1024);
  #lines = new Uint32Array(1024);
  #times = new Float64Array(1024);

  constructor(survey: ColumnSurvey) {
    this.survey = survey;
  }

  add(owner: number, value: Value, time: number, line: number): void {
    if (value === null) return;
    if (owner >= this.#codes.length) this.#grow(owner);
    if (this.#codes[owner] !== 0 && this.#times[owner]! <= time) return;
    const code = this.#texts.add(JSON.stringify(value), MAXIMUM_VALUE_BYTES);
    if (code < 0) return;
    this.#codes[owner] = code + 1;
    this.#lines[owner] = line;
    this.#times[owner] = time;
  }

  get(owner: number): Value {
    const code = this.#codes[owner] ?? 0;
    return code === 0 ? null : (JSON.parse(this.#texts.text(code - 1)) as Value);
  }

  surveyAll(owners: readonly number[], path: string): void {
    for (const owner of owners) this.survey.add(this.get(owner), path, this.#lines[owner] ?? 0);
  }

  #grow(owner: number): void {
    const size = 2 * (owner + 1);
    const [codes, lines, times] = [new Int32Array(size), new Uint32Array(size), new Float64Array(size)];
    codes.set(this.#codes);
    lines.set(this.#lines);
    times.set(this.#times);
    [this.#codes, this.#lines, this.#times] = [codes, lines, times];
  }
}
