/** Reads rows of a Parquet file as strings and lists of strings, with the same interface as CSV and NDJSON tables. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DuckDBValue } from '@duckdb/node-api';
import type { Row, RowSource, Value } from '../../dataset/row-source.ts';
import { AppError } from '../../lib/errors.ts';
import { checkFile } from '../import/source-files.ts';
import { elementOf, quoteName, typeGroup } from '../kinds/column-plan.ts';
import { type Database, openDatabase, quotePath, textOf } from './database.ts';

/** Memory limit of DuckDB. The file is streamed, so space for one or two row groups is enough. */
const MEMORY_MIB = 512;

/**
 * Opens the file. Whole numbers of any type become text without a decimal point; times become `2026-03-04 17:05:00.000`
 * (UTC); empty strings and NaN become null. Rows are numbered from 1. Errors: AppError `invalid_data` if the file is
 * not Parquet, or a requested column does not contain strings, numbers, times or lists of them.
 */
export async function openParquetRows(path: string): Promise<RowSource> {
  checkFile(path, 'parquet');
  const from = `FROM read_parquet(${quotePath(path)})`;
  const opened = await openScratch();
  let types: ReadonlyMap<string, string>;
  try {
    const described = await opened.database.rows(`DESCRIBE SELECT * ${from}`);
    types = new Map(described.map((row) => [textOf(row, 'column_name'), textOf(row, 'column_type')]));
  } catch (error) {
    throw withPath(error, path);
  } finally {
    opened.close();
  }

  async function* read(wanted: readonly string[]): AsyncGenerator<readonly Row[], void, void> {
    const columns = wanted.map((name) => valueSql(name, types.get(name) ?? '', path));
    const { database, close } = await openScratch();
    try {
      let line = 1;
      for await (const chunk of database.stream(`SELECT ${columns.join(', ')} ${from}`)) {
        const values = chunk.getColumns().map((column) => column.map(toValue));
        yield Array.from({ length: chunk.rowCount }, (_, row) => ({
          line: line++,
          values: values.map((column) => column[row]!),
        }));
      }
    } catch (error) {
      throw withPath(error, path);
    } finally {
      close();
    }
  }
  const unreadable = new Map(
    [...types].filter(([name, type]) => !isReadable(name, type)).map(([name, type]) => [name, `${type}: ${READABLE}`]),
  );
  return { path, columns: [...types.keys()], unreadable, read };
}

/** Opens a database with a temporary folder, which is removed when the database is closed. */
async function openScratch(): Promise<{ readonly database: Database; close(): void }> {
  const scratch = mkdtempSync(join(tmpdir(), 'metaheac-parquet-'));
  const remove = () => rmSync(scratch, { recursive: true, force: true });
  try {
    const { database, close } = await openDatabase({ scratch, memoryMib: MEMORY_MIB });
    return {
      database,
      close: () => {
        close();
        remove();
      },
    };
  } catch (error) {
    remove();
    throw error;
  }
}

const READABLE = 'text, numbers, times or lists of them can be read';

function isReadable(name: string, type: string): boolean {
  return textSql(quoteName(name), elementOf(type) ?? type) !== null;
}

/** SQL expression that converts a column to text or to a list of strings. */
function valueSql(name: string, type: string, path: string): string {
  const column = quoteName(name);
  const element = elementOf(type);
  const text = element === null ? textSql(column, type) : textSql('t', element);
  if (text === null)
    throw new AppError('invalid_data', `${path}: column ${JSON.stringify(name)} is ${type}; ${READABLE}`);
  return element === null ? text : `list_transform(${column}, lambda t: ${text})`;
}

function textSql(value: string, type: string): string | null {
  switch (typeGroup(type)) {
    case 'text':
    case 'integer':
    case 'boolean':
      return `${value}::VARCHAR`;
    case 'float':
      return (
        `CASE WHEN isnan(${value}::DOUBLE) THEN NULL WHEN ${value}::DOUBLE = trunc(${value}::DOUBLE) ` +
        `AND abs(${value}::DOUBLE) < 1e15 THEN ${value}::BIGINT::VARCHAR ELSE ${value}::VARCHAR END`
      );
    case 'date':
      return type === 'DATE' ? `${value}::VARCHAR` : `strftime(${value}, '%Y-%m-%d %H:%M:%S.%g')`;
    default:
      return null;
  }
}

function toValue(value: DuckDBValue): Value {
  if (value === null || value === '') return null;
  if (typeof value === 'string') return value;
  const { items } = value as { readonly items: readonly DuckDBValue[] };
  const texts = items.filter((item) => typeof item === 'string' && item !== '') as string[];
  return texts.length > 0 ? texts : null;
}

function withPath(error: unknown, path: string): unknown {
  if (!(error instanceof AppError) || error.message.includes(path)) return error;
  return new AppError(error.code, `${path}: ${error.message}`, { cause: error });
}
