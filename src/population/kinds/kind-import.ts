/** The import interface of a feature kind; `table.ts` lists the implementations. */
import type { Feature } from '../../dataset/features.ts';
import { describe } from '../../dataset/records.ts';
import type { AppError } from '../../lib/errors.ts';
import { columnOf } from '../../lib/feature-kinds.ts';
import type { TextTable } from '../../lib/text/text-table.ts';
import type { ImportLimits } from '../import/import-limits.ts';
import { placeError, type RowPlace } from '../import/row-place.ts';
import type { ColumnBuilder } from '../import/segment-builder.ts';
import type { ColumnFacts } from './column-facts.ts';
import type { ColumnPlan, TableShape } from './column-plan.ts';

/**
 * Format of a value. Formats for numbers: `decimal_comma`, and formats for dates, which become days since 1970: `date`
 * (2026-11-25, 2026-11-25T08:00:00Z), `date_dmy` (25.11.2026), `date_mdy` (11/25/2026), `epoch_s` and `epoch_ms`.
 * Format for tokens: `integer`, for whole numbers that a program wrote with a decimal point, such as 25.0.
 */
export const VALUE_FORMATS = [
  'date',
  'date_dmy',
  'date_mdy',
  'epoch_s',
  'epoch_ms',
  'decimal_comma',
  'integer',
] as const;

export type ValueFormat = (typeof VALUE_FORMATS)[number];

/** A feature, and its column in a file. */
export interface SourceFeature extends Feature {
  /**
   * The name of the feature's column. For a vector with several columns, a pattern in which one `*` stands for 0, 1, 2,
   * ...
   */
  readonly column: string;
  /** Separator between the values of a list that is written as text. */
  readonly separator?: string;
  readonly format?: ValueFormat;
}

/** Destination of a feature's value in the open row. */
export interface Cell {
  readonly place: RowPlace;
  readonly feature: SourceFeature;
  readonly column: ColumnBuilder;
  readonly dictionary: TextTable;
  readonly limits: ImportLimits;
}

/** Properties that a feature has in a schema, in addition to name and column. */
export type InferredKind = Pick<SourceFeature, 'kind' | 'size' | 'separator' | 'format'>;

export interface KindImport {
  /** Whether a feature of this kind may have a separator, for strings with several values. */
  readonly hasSeparator: boolean;
  readonly formats: readonly ValueFormat[];
  /**
   * Reads a value of a JSON record, or a number or list of a Parquet column, into the open row. Errors: AppError
   * `invalid_data` naming the place.
   */
  readonly parse: (value: unknown, cell: Cell) => void;
  /** Like `parse`, but for a CSV field or a string in a Parquet column. An empty string is a missing value. */
  readonly parseText: (text: string, cell: Cell) => void;
  /** Plans how to read a column of a table. Errors: AppError `invalid_data` naming the column. */
  readonly plan: (feature: SourceFeature, shape: TableShape) => ColumnPlan;
  /**
   * Proposes a schema if the column looks like this kind; otherwise returns null. Things that a person should check are
   * added to `notes`.
   */
  readonly infer: (facts: ColumnFacts, notes: string[]) => InferredKind | null;
}

/** Whether a vector has a separate column for each of its numbers. */
export function isPattern({ kind, column }: SourceFeature): boolean {
  return columnOf(kind) === 'vector' && column.includes('*');
}

/** The error for a value of the wrong type. */
export function wrongValue({ place, feature }: Cell, value: unknown, expected: string): AppError {
  const shown = typeof value === 'number' ? String(value) : describe(value);
  return placeError(place, `the feature "${feature.name}" is ${shown}; it must be ${expected}`);
}

/** The error for a string that cannot be read. */
export function wrongText({ place, feature }: Cell, text: string, expected: string): AppError {
  const shown = JSON.stringify(text.slice(0, EXAMPLE_CHARACTERS));
  return placeError(place, `the feature "${feature.name}" is ${shown}; ${expected}`);
}

const EXAMPLE_CHARACTERS = 80;
