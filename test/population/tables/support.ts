/** The same users as NDJSON, CSV and Parquet. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { quoteCsv } from '../../../src/lib/text/csv.ts';
import { type ImportFilesOptions, type ImportFilesResult, importFiles } from '../../../src/population/import/import.ts';
import type { SourceSchema } from '../../../src/population/import/source-schema.ts';
import type { SourceFeature } from '../../../src/population/kinds/kind-import.ts';
import type { TestUser } from '../support.ts';

export const SEPARATOR = '|';

export const SCHEMA: SourceSchema = {
  userId: 'user_id',
  features: [
    { name: 'city', kind: 'single', column: 'city' },
    { name: 'likes', kind: 'multi', column: 'likes', separator: SEPARATOR },
    { name: 'age', kind: 'number', column: 'age' },
    { name: 'taste', kind: 'vector', size: 3, column: 'taste' },
  ],
};

export const PEOPLE: readonly TestUser[] = [
  { user_id: '007', city: 'Rome', likes: ['tea', 'jazz'], age: 3.7, taste: [0.1, 0.2, -3] },
  { user_id: 'bob, "the builder"', city: null, likes: [], age: null, taste: null },
  { user_id: 'çelik', city: 'İzmir', likes: ['jazz', 'jazz', 'çay', '', 'tea'], age: 41, taste: [1e-3, 2, 3e5] },
  { user_id: '7', city: '', likes: null, age: -1e30, taste: [0, 0, 0] },
];

export function writeNdjson(folder: string, users: readonly TestUser[]): string {
  const path = join(folder, 'users.ndjson');
  writeFileSync(path, users.map((user) => `${JSON.stringify(user)}\n`).join(''));
  return path;
}

/** As spreadsheets write it: lists by the separator, vectors as `[1,2]`, an empty field for what is missing. */
export function writeCsv(folder: string, users: readonly TestUser[], features: readonly SourceFeature[]): string {
  const path = join(folder, 'users.csv');
  const names = ['user_id', ...features.map(({ column }) => column)];
  const lines = users.map((user) => names.map((name) => quoteCsv(fieldOf(user[name], features, name))).join(','));
  writeFileSync(path, [names.map(quoteCsv).join(','), ...lines, ''].join('\n'));
  return path;
}

/** By DuckDB, from the NDJSON file. */
export async function writeParquet(
  folder: string,
  ndjson: string,
  features: readonly SourceFeature[],
): Promise<string> {
  const path = join(folder, 'users.parquet');
  const types = { single: 'VARCHAR', multi: 'VARCHAR[]', number: 'DOUBLE', vector: 'DOUBLE[]' };
  const columns = ["user_id: 'VARCHAR'", ...features.map(({ column, kind }) => `"${column}": '${types[kind]}'`)].join(
    ', ',
  );
  await runSql(`COPY (SELECT * FROM read_json('${ndjson}', format = 'newline_delimited', columns = {${columns}}))
    TO '${path}' (FORMAT parquet)`);
  return path;
}

export async function runSql(sql: string): Promise<void> {
  const instance = await DuckDBInstance.create(':memory:', { threads: '1' });
  const connection = await instance.connect();
  try {
    await connection.run(sql);
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}

/** Imports files by a schema. */
export function importUsersOf(
  sources: readonly string[],
  out: string,
  options: Partial<ImportFilesOptions> = {},
): Promise<ImportFilesResult> {
  return importFiles({ sources, schema: SCHEMA, out, ...options });
}

function fieldOf(value: unknown, features: readonly SourceFeature[], name: string): string {
  if (value === null || value === undefined) return '';
  if (!Array.isArray(value)) return String(value);
  const kind = features.find(({ column }) => column === name)?.kind;
  return kind === 'vector' ? JSON.stringify(value) : value.join(SEPARATOR);
}
