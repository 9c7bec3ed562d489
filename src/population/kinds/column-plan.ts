/**
 * Plans how to read a Parquet column. DuckDB only converts the column's type; the feature's kind then determines how
 * values are read.
 */
import { AppError } from '../../lib/errors.ts';

/** The type of a converted column: text, lists of text, DOUBLE, lists of DOUBLE, or days since 1970 in DOUBLE. */
export type PlannedType = 'text' | 'texts' | 'number' | 'numbers' | 'days';

export interface ColumnPlan {
  /** The table columns that the plan reads. */
  readonly columns: readonly string[];
  /** SQL expression for the converted column. */
  readonly sql: string;
  readonly type: PlannedType;
}

/** The columns of a table with their types, and the table's name in error messages. */
export interface TableShape {
  readonly path: string;
  readonly types: ReadonlyMap<string, string>;
}

export type TypeGroup = 'text' | 'integer' | 'float' | 'boolean' | 'date' | 'list' | 'other';

const INTEGER = /^U?(TINYINT|SMALLINT|INTEGER|BIGINT|HUGEINT)$/;
const FLOAT = /^(FLOAT|DOUBLE|DECIMAL\(.*\))$/;
const LIST = /^(.*)\[\d*\]$/;

export function typeGroup(type: string): TypeGroup {
  if (LIST.test(type)) return 'list';
  if (type === 'VARCHAR' || type === 'UUID' || type.startsWith('ENUM(')) return 'text';
  if (INTEGER.test(type)) return 'integer';
  if (FLOAT.test(type)) return 'float';
  if (type === 'BOOLEAN') return 'boolean';
  if (type === 'DATE' || type.startsWith('TIMESTAMP')) return 'date';
  return 'other';
}

/** The type of a list's elements; null if the type is not a list. */
export function elementOf(type: string): string | null {
  return LIST.exec(type)?.[1] ?? null;
}

/** The type of a column. Errors: AppError `invalid_data` if the table lacks the column. */
export function typeOf(shape: TableShape, column: string, what: string): string {
  const type = shape.types.get(column);
  if (type !== undefined) return type;
  const known = [...shape.types.keys()].slice(0, 30).join(', ');
  const message = `${shape.path} has no column "${column}" (for ${what}); its columns are ${known}`;
  throw new AppError('invalid_data', `${message}. Set "column" in the schema, or use --column ${what}=NAME`);
}

export function unusable({ path }: TableShape, column: string, why: string): AppError {
  return new AppError('invalid_data', `${path}: the column "${column}" can't be used: ${why}`);
}

/** A column that is converted to text. */
export function textPlan(column: string): ColumnPlan {
  return { columns: [column], sql: `${quoteName(column)}::VARCHAR`, type: 'text' };
}

/** Quotes a string as an SQL literal. */
export function quoteText(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

/** Quotes a column name as an SQL identifier. */
export function quoteName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
