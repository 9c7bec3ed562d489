/** JSON in columns. */
import { AppError } from '../../lib/errors.ts';

/** A JSON text to write. The driver converts it, because databases differ in which characters they can store. */
export class Json {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

/** The value for a JSON column; null and undefined are returned unchanged. */
export function toJson<V extends object | null | undefined>(value: V): Json | Exclude<V, object> {
  return (value ? new Json(JSON.stringify(value)) : value) as Json | Exclude<V, object>;
}

/** Parses the text of a JSON column; `name` names the column if the row is damaged. */
export function readJson<T>(stored: string, name: string): T {
  try {
    return JSON.parse(stored) as T;
  } catch (error) {
    throw new AppError('database_damaged', `${name} is not JSON: a row is damaged`, { cause: error });
  }
}
