/** Reads rows of a file with one JSON object per line. The file may be compressed. */
import { lineError, readLines } from './lines.ts';
import { describe, describeNoToken, findToken, type JsonRecord, parseRecord } from './records.ts';
import type { Row, RowSource, Value } from './row-source.ts';

/** Number of lines at the start whose keys become columns. */
const LINES_OF_COLUMNS = 1000;

/**
 * Opens the file. The columns are the keys in the first 1,000 lines. A column that contains an object in one of these
 * lines cannot be read. Numbers, `true` and `false` are read as text; `null`, `""` and absent keys are read as null.
 * Errors (AppError `invalid_data`, naming file:line): the errors of `readLines`; an empty file; a line that is not a
 * JSON object; while reading, an object or a nested list.
 */
export async function openNdjson(path: string): Promise<RowSource> {
  const columns = new Set<string>();
  const unreadable = new Map<string, string>();
  let seen = 0;
  for await (const { firstLine, lines } of readLines(path)) {
    for (let i = 0; i < lines.length && seen < LINES_OF_COLUMNS; i++) {
      const record = parseRecord(lines[i]!, path, firstLine + i);
      if (!record) continue;
      seen += 1;
      for (const [key, value] of Object.entries(record)) {
        columns.add(key);
        const parts: readonly unknown[] = Array.isArray(value) ? value : [value];
        if (parts.some((part) => typeof part === 'object' && part !== null))
          unreadable.set(
            key,
            'an object or a list of objects; only text, numbers, and lists of text or numbers are supported',
          );
      }
    }
    if (seen === LINES_OF_COLUMNS) break;
  }
  if (seen === 0) throw lineError(path, 1, 'the file is empty');

  async function* read(wanted: readonly string[]): AsyncGenerator<readonly Row[], void, void> {
    for await (const { firstLine, lines } of readLines(path)) {
      const rows: Row[] = [];
      for (let i = 0; i < lines.length; i++) {
        const line = firstLine + i;
        const record = parseRecord(lines[i]!, path, line);
        if (record) rows.push({ line, values: wanted.map((name) => fieldOf(record, name, path, line)) });
      }
      yield rows;
    }
  }
  return { path, columns: [...columns], unreadable, read };
}

function fieldOf(record: JsonRecord, name: string, path: string, line: number): Value {
  if (!Object.hasOwn(record, name)) return null;
  const value = record[name];
  if (!Array.isArray(value)) return textOf(value, name, path, line);
  const texts = value.map((part) => textOf(part, name, path, line)).filter((text) => text !== null);
  return texts.length > 0 ? texts : null;
}

function textOf(value: unknown, name: string, path: string, line: number): string | null {
  if (value === null || value === '') return null;
  const token = findToken(value);
  if (token !== null) return token;
  if (typeof value === 'number') {
    // the number may be an id, and rounding would turn it into another id
    if (Number.isInteger(value)) throw lineError(path, line, `"${name}" is ${describeNoToken(value)}`);
    return String(value);
  }
  throw lineError(
    path,
    line,
    `"${name}" is ${describe(value)}; text, a number, or a list of text or numbers is expected`,
  );
}
