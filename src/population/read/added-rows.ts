/** Users who are not in a population, as rows that follow its own. They are read by the rules of an import. */
import type { Feature } from '../../dataset/features.ts';
import { describe, type JsonRecord } from '../../dataset/records.ts';
import { AppError } from '../../lib/errors.ts';
import { canonicalJson } from '../../lib/text/canonical-json.ts';
import { TextTable } from '../../lib/text/text-table.ts';
import { IMPORT_LIMITS } from '../import/import-limits.ts';
import { SegmentBuilder } from '../import/segment-builder.ts';
import type { Cell } from '../kinds/kind-import.ts';
import { KIND_IMPORTS } from '../kinds/table.ts';
import { PAST_CAMPAIGNS } from './past-campaigns.ts';
import type { UserRows } from './population.ts';
import { type Column, isTokenColumn, type Rows } from './segments.ts';

/** Number of rows that are checked with the same dictionaries, which grow with every row. */
const CHECKED_ROWS = 256;
/** Number of rows that are read before other work can run. */
const SLICE_ROWS = 256;

/** Rows numbered from `firstRow`, which is the number of rows of the population. Their user numbers are -1. */
export interface AddedRows {
  readonly firstRow: number;
  readonly rows: Rows;
}

/** A user's features as canonical JSON, or why an import would refuse them. */
export type CheckedValues = { readonly json: string } | { readonly fault: string };

/**
 * Returns a function that checks users' features by the rules of an NDJSON import. Names that the population does not
 * have are ignored. A missing feature is a fault, except past campaigns.
 */
export function openValueCheck(features: readonly Feature[]): (values: unknown) => CheckedValues {
  let row: RowReader | null = null;
  let checked = 0;
  return (values) => {
    if (row === null || checked++ % CHECKED_ROWS === 0) row = new RowReader(features, 1);
    if (typeof values !== 'object' || values === null || Array.isArray(values))
      return { fault: `the features are ${describe(values)}; an object is expected` };
    const own = Object.fromEntries(
      features
        .filter(({ name }) => Object.hasOwn(values, name))
        .map(({ name }) => [name, (values as JsonRecord)[name]]),
    );
    const absent = features.find(({ name }) => name !== PAST_CAMPAIGNS && !Object.hasOwn(own, name));
    if (absent) return { fault: `the feature "${absent.name}" is absent: write null for an unknown value` };
    try {
      row.read(own);
      return { json: canonicalJson(own) };
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      return { fault: error.details[0]!.message };
    } finally {
      row.clear();
    }
  };
}

/**
 * Reads checked features as rows of a population version. An absent feature counts as missing, because the version may
 * be newer than the check. A token that no user of the version has becomes code 0. `turn` lets other work run.
 * @throws AppError invalid_data if a feature of the version has another kind than was checked
 */
export async function readAddedRows(
  population: Pick<UserRows, 'features' | 'rowCount' | 'dictionary'>,
  users: readonly string[],
  turn: () => Promise<void> = async () => {},
): Promise<AddedRows> {
  const reader = new RowReader(population.features, users.length);
  for (const [i, json] of users.entries()) {
    reader.read(JSON.parse(json) as JsonRecord);
    if (i % SLICE_ROWS === SLICE_ROWS - 1) await turn();
  }
  const { count, userNumbers, columns } = reader.rows();
  const own = new Map(
    [...columns].map(([name, column]): [string, Column] => {
      if (!isTokenColumn(column)) return [name, column];
      const dictionary = population.dictionary(name);
      const tokens = reader.dictionary(name);
      const codes = column.codes.map((code) => (code === 0 ? 0 : dictionary.find(tokens.text(code - 1))));
      return [name, { ...column, codes }];
    }),
  );
  return { firstRow: population.rowCount, rows: { count, userNumbers, columns: own } };
}

/** The users of a population, followed by added rows. Only `readRows` returns the added rows. */
export function withAddedRows(users: UserRows, { firstRow, rows: added }: AddedRows): UserRows {
  const { path, version, features, rowCount, segmentCount } = users;
  return {
    ...{ path, version, features, rowCount, segmentCount },
    dictionary: (feature) => users.dictionary(feature),
    readSegment: (index, into) => users.readSegment(index, into),
    readRows(wanted) {
      const own = users.readRows(wanted.filter((row) => row < firstRow));
      const builder = new SegmentBuilder(features, wanted.length);
      let read = 0;
      for (let from = 0; from < wanted.length; ) {
        let to = from;
        while (to < wanted.length && wanted[to]! < firstRow) to += 1;
        if (to > from) builder.append(own, read, read + to - from);
        read += to - from;
        if (to < wanted.length) builder.append(added, wanted[to]! - firstRow, wanted[to]! - firstRow + 1);
        from = to + 1;
      }
      return builder.view();
    },
  };
}

/** Reads rows from JSON into columns, with its own dictionaries. */
class RowReader {
  readonly #segment: SegmentBuilder;
  readonly #cells: readonly Cell[];

  constructor(features: readonly Feature[], capacity: number) {
    this.#segment = new SegmentBuilder(features, capacity);
    const place = { path: 'features', line: 0, hasLines: false };
    this.#cells = features.map((feature, i) => ({
      place,
      feature: { ...feature, column: feature.name },
      column: this.#segment.columns[i]!,
      dictionary: new TextTable(),
      limits: IMPORT_LIMITS,
    }));
  }

  /** Reads a row. After an error, only `clear` may be called. @throws AppError invalid_data */
  read(values: JsonRecord): void {
    for (const cell of this.#cells) {
      const { name, kind } = cell.feature;
      KIND_IMPORTS[kind].parse(Object.hasOwn(values, name) ? values[name] : null, cell);
    }
    this.#segment.endRow(-1);
  }

  rows(): Rows {
    return this.#segment.view();
  }

  dictionary(feature: string): TextTable {
    return this.#cells.find(({ feature: { name } }) => name === feature)!.dictionary;
  }

  clear(): void {
    this.#segment.clear();
  }
}
