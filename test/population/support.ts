/** Temp folders, small data sets and what is caught: shared by the population's tests. */
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { Feature } from '../../src/dataset/features.ts';
import { AppError } from '../../src/lib/errors.ts';
import { importPopulation } from '../../src/population/import/import.ts';
import type { ImportLimits } from '../../src/population/import/import-limits.ts';
import { type Column, isTokenColumn, startOf } from '../../src/population/read/segments.ts';
import type { ImportResult } from '../../src/population/versions/version-writer.ts';
import { FEATURES } from './support-features.ts';

export { FEATURES };

export interface TestUser {
  readonly user_id: unknown;
  readonly [feature: string]: unknown;
}

export const USERS: readonly TestUser[] = [
  { user_id: 'anna', city: 'Rome', likes: ['tea', 'jazz'] },
  { user_id: 'bob', city: null, likes: [] },
  { user_id: 'çelik', city: 'İzmir', likes: ['jazz', 'jazz', 'çay', 'tea'] },
  { user_id: 'dan', city: '', likes: null },
];

/** Writes a data set whose users are objects (one line each) or raw bytes; `gzip` compresses them. */
export function writeDataSet(
  folder: string,
  users: readonly TestUser[] | string | Uint8Array,
  options: { features?: readonly Feature[]; gzip?: boolean } = {},
): string {
  mkdirSync(folder, { recursive: true });
  const features = (options.features ?? FEATURES).map(({ name, kind, maxLength, size, sensitive }) => ({
    name,
    kind,
    ...(sensitive === undefined ? {} : { sensitive }),
    ...(maxLength === undefined ? {} : { max_length: maxLength }),
    ...(size === undefined ? {} : { size }),
  }));
  writeFileSync(
    join(folder, 'dataset.json'),
    JSON.stringify({ name: 'small', user_features: features, campaign_features: [] }),
  );
  const bytes =
    typeof users === 'string' || users instanceof Uint8Array
      ? Buffer.from(users as Uint8Array)
      : Buffer.from(toLines(users));
  for (const name of ['users.ndjson', 'users.ndjson.gz']) rmSync(join(folder, name), { force: true });
  writeFileSync(
    join(folder, options.gzip ? 'users.ndjson.gz' : 'users.ndjson'),
    options.gzip ? gzipSync(bytes) : bytes,
  );
  return folder;
}

export function toLines(users: readonly TestUser[]): string {
  return users.map((user) => `${JSON.stringify(user)}\n`).join('');
}

/** Imports users (written to `source` first) into `out`. */
export function importUsers(
  source: string,
  out: string,
  users: readonly TestUser[] | string | Uint8Array,
  options: { features?: readonly Feature[]; gzip?: boolean; limits?: Partial<ImportLimits> } = {},
): Promise<ImportResult> {
  writeDataSet(source, users, options);
  const features = options.features ?? FEATURES;
  return importPopulation({ source, features, out, ...(options.limits ? { limits: options.limits } : {}) });
}

/** The AppError that `action` ends with; fails if it does not. */
export async function refusalOf(action: () => unknown): Promise<AppError> {
  try {
    await action();
  } catch (error) {
    if (error instanceof AppError) return error;
    throw error;
  }
  throw new Error('it was not refused');
}

/** Every file of a folder with its bytes. */
export function snapshot(folder: string): Map<string, string> {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const paths = files.map((entry) => join(entry.parentPath, entry.name)).sort();
  return new Map(paths.map((path) => [relative(folder, path), readFileSync(path).toString('hex')]));
}

/** The codes, or the numbers, of one row. */
export function codesOf(column: Column, row: number): number[] {
  if (!isTokenColumn(column)) return [...column.values.subarray(row * column.size, (row + 1) * column.size)];
  return [...column.codes.subarray(startOf(column, row), startOf(column, row + 1))];
}

/** All codes of a column of tokens. */
export function allCodesOf(column: Column | undefined): Int32Array {
  if (column === undefined || !isTokenColumn(column)) throw new Error('no column of tokens');
  return column.codes;
}
