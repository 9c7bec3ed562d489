/** How the columns of a table are read, and what they are refused for. */
import { AppError } from '../../lib/errors.ts';

/** What a column's value is bad by; `when` reads `{raw}` and `{value}`. */
export interface Fault {
  readonly when: string;
  readonly message: string;
}

export interface ColumnPlan {
  /** The columns of the table that it reads. */
  readonly columns: readonly string[];
  /** As the table has it. */
  readonly raw: string;
  /** VARCHAR, VARCHAR[], FLOAT or FLOAT[]: over `{raw}`. */
  readonly value: string;
  readonly faults: readonly Fault[];
}

/** The columns of a table with their types, and what to call the table in a refusal. */
export interface TableShape {
  readonly path: string;
  readonly types: ReadonlyMap<string, string>;
}

/** The type of a column. Errors: AppError `invalid_data` where the table lacks it. */
export function typeOf(shape: TableShape, column: string, what: string): string {
  const type = shape.types.get(column);
  if (type !== undefined) return type;
  const known = [...shape.types.keys()].slice(0, 30).join(', ');
  const message = `${shape.path} has no column "${column}" (for ${what}); its columns are ${known}`;
  throw new AppError('invalid_data', `${message}. Say "column" in the schema, or --column ${what}=NAME`);
}

export function unusable({ path }: TableShape, column: string, why: string): AppError {
  return new AppError('invalid_data', `${path}: the column "${column}" can't be used: ${why}`);
}
