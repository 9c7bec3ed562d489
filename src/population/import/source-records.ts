/** A JSON record with the columns of a file as one with the features of a schema. */
import { parseDate } from '../../dataset/dates.ts';
import { lineError } from '../../dataset/lines.ts';
import type { JsonRecord } from '../../dataset/records.ts';
import { parseWrittenDate } from '../../dataset/written-dates.ts';
import { assert } from '../../lib/errors.ts';
import type { SourceFeature, SourceSchema, ValueFormat } from './source-schema.ts';

/**
 * What `readUser` reads of a record; a column that is absent stays absent. Errors: AppError `invalid_data` naming
 * file:line for a value that is not of the format that the schema says.
 */
export function toUserRecord(record: JsonRecord, path: string, line: number, schema: SourceSchema): JsonRecord {
  const user: { [key: string]: unknown } = {};
  if (Object.hasOwn(record, schema.userId)) user['user_id'] = record[schema.userId];
  for (const feature of schema.features) {
    if (feature.kind === 'vector' && feature.column.includes('*')) user[feature.name] = gather(record, feature);
    else if (Object.hasOwn(record, feature.column))
      user[feature.name] = toValue(record[feature.column], path, line, feature);
  }
  return user;
}

function toValue(value: unknown, path: string, line: number, feature: SourceFeature): unknown {
  const { kind, separator, format } = feature;
  if (value === null) return null;
  if (kind === 'multi' && separator !== undefined && typeof value === 'string')
    return value === '' ? [] : value.split(separator);
  if (kind !== 'number' || format === undefined || format === 'integer') return value;
  if (value === '') return null;
  const number = parseFormatted(value, format);
  if (number === null) {
    const message = `the feature "${feature.name}" is ${JSON.stringify(value)}; its format is ${format}`;
    throw lineError(path, line, message, { value });
  }
  return number;
}

function parseFormatted(value: unknown, format: Exclude<ValueFormat, 'integer'>): number | null {
  const text = typeof value === 'string' ? value : '';
  switch (format) {
    case 'date':
      return parseDate(text);
    case 'date_dmy':
      return parseWrittenDate(text, 'dmy');
    case 'date_mdy':
      return parseWrittenDate(text, 'mdy');
    case 'epoch_s':
      return typeof value === 'number' ? value / 86_400 : null;
    case 'epoch_ms':
      return typeof value === 'number' ? value / 86_400_000 : null;
    case 'decimal_comma':
      if (typeof value === 'number') return value;
      return /^[+-]?([0-9]+(,[0-9]*)?|,[0-9]+)([eE][+-]?[0-9]+)?$/.test(text) ? Number(text.replace(',', '.')) : null;
  }
}

/** The numbers of v_0, v_1 ..: null where all are missing, so that a vector of which some are is refused. */
function gather(record: JsonRecord, { column, size }: SourceFeature): unknown {
  assert(size !== undefined, 'a vector has a size');
  const first = Object.hasOwn(record, column.replace('*', '0')) ? 0 : 1;
  const values = Array.from({ length: size }, (_, i) => record[column.replace('*', String(i + first))] ?? null);
  return values.every((value) => value === null) ? null : values;
}
