/** Converts a JSON record with the columns of a file to a record with the features of a schema. */
import { lineError } from '../../dataset/lines.ts';
import type { JsonRecord } from '../../dataset/records.ts';
import { assert } from '../../lib/errors.ts';
import { isPattern, type SourceFeature } from '../kinds/kind-import.ts';
import { KIND_IMPORTS } from '../kinds/table.ts';
import type { SourceSchema } from './source-schema.ts';

/**
 * Converts a record for `readUser`; an absent column stays absent. Errors: AppError `invalid_data` naming file:line if
 * a value does not match the schema's format.
 */
export function toUserRecord(record: JsonRecord, path: string, line: number, schema: SourceSchema): JsonRecord {
  const user: { [key: string]: unknown } = {};
  if (Object.hasOwn(record, schema.userId)) user['user_id'] = record[schema.userId];
  for (const feature of schema.features) {
    if (isPattern(feature)) user[feature.name] = gather(record, feature);
    else if (Object.hasOwn(record, feature.column))
      user[feature.name] = toValue(record[feature.column], path, line, feature);
  }
  return user;
}

function toValue(value: unknown, path: string, line: number, feature: SourceFeature): unknown {
  if (value === null) return null;
  const decoded = KIND_IMPORTS[feature.kind].decode(value, feature);
  if (decoded !== undefined) return decoded;
  const message = `the feature "${feature.name}" is ${JSON.stringify(value)}; its format is ${feature.format}`;
  throw lineError(path, line, message, { value });
}

/**
 * The numbers of the columns v_0, v_1 ..; null if all are missing. If only some are missing, the list contains nulls,
 * which cause an error later.
 */
function gather(record: JsonRecord, { column, size }: SourceFeature): unknown {
  assert(size !== undefined, 'a vector has a size');
  const first = Object.hasOwn(record, column.replace('*', '0')) ? 0 : 1;
  const values = Array.from({ length: size }, (_, i) => record[column.replace('*', String(i + first))] ?? null);
  return values.every((value) => value === null) ? null : values;
}
