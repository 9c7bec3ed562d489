/**
 * A log of users and the items that they took, in typed arrays. Each pair of user and item occurs once, with the
 * earliest time.
 */

import { AppError } from '../../lib/errors.ts';
import { TextTable } from '../../lib/text/text-table.ts';
import { lineError } from '../lines.ts';
import type { Row, RowSource, Value } from '../row-source.ts';
import type { DateOrder } from '../times.ts';
import { requireColumn } from './columns.ts';
import type { Condition } from './conditions.ts';
import type { LogFeatures } from './log-features.ts';
import type { OnProgress } from './new-data-set.ts';
import { numberOf } from './tables.ts';
import { inferDateOrder, parseTime } from './time.ts';

export interface LogColumns {
  readonly user: string;
  readonly item: string;
  readonly time: string | null;
}

/**
 * The users `takers[starts[i] .. starts[i + 1])`, all distinct, took item i. `times` contains the corresponding times.
 */
export interface Log {
  readonly users: TextTable;
  readonly items: TextTable;
  readonly starts: Uint32Array;
  readonly takers: Int32Array;
  /** Times in milliseconds since 1970; null if there is no column of times. */
  readonly times: Float64Array | null;
  readonly rowCount: number;
  /** Number of rows that repeat a pair of user and item. */
  readonly repeated: number;
  /** The number of rows that lack a user or an item, and the first such row. */
  readonly incomplete: { readonly count: number; readonly first: string | null };
  /** The number of rows that fail each condition, and the number of rows with excluded items. */
  readonly leftOut: {
    readonly conditions: readonly number[];
    readonly excluded: number;
    readonly excludedItems: ReadonlySet<string>;
  };
}

/** Which rows of a log to read, and which columns to read in addition to users, items and times. */
export interface LogReading {
  readonly conditions: readonly Condition[];
  /** Items whose rows are left out. */
  readonly exclude: ReadonlySet<string>;
  readonly userFeatures: LogFeatures;
  readonly itemFeatures: LogFeatures;
  /** The order of day and month; null to infer the order from the values. */
  readonly dateOrder: DateOrder | null;
}

/** Maximum number of rows, because positions are uint32. */
const MAXIMUM_ROWS = 2 ** 32 - 1;
/** Number of rows per block. Rows are read into blocks, so earlier rows need not be copied when rows are added. */
const BLOCK_ROWS = 1 << 20;

interface Block {
  readonly users: Int32Array;
  readonly items: Int32Array;
  readonly times: Float64Array | null;
  count: number;
}

/**
 * Reads the rows of a log that meet all conditions and have no excluded item. Memory: 12 bytes per row (4 without
 * times) and the ids; while reading, up to 28 bytes per row (12 without times). Errors (AppError): `invalid_argument`
 * for an unknown column, `invalid_data` naming file:line for an invalid time or id, or if no row is left.
 */
export async function readLog(
  source: RowSource,
  columns: LogColumns,
  reading: LogReading,
  onProgress: OnProgress,
): Promise<Log> {
  requireColumn(source, columns.user, '--user');
  requireColumn(source, columns.item, '--item');
  if (columns.time !== null) requireColumn(source, columns.time, '--time');
  const { conditions, userFeatures, itemFeatures, dateOrder } = reading;
  const users = new TextTable();
  const items = new TextTable();
  const blocks: Block[] = [];
  let rowCount = 0;
  const order = dateOrder ?? (columns.time === null ? null : await inferDateOrder(source, columns.time));
  const own = [columns.user, columns.item, ...(columns.time === null ? [] : [columns.time])];
  const sieve = new RowSieve(source.path, reading, own.length);
  const firstUserFeature = own.length + conditions.length;
  const firstItemFeature = firstUserFeature + userFeatures.names.length;
  const wanted = [...own, ...conditions.map(({ column }) => column), ...userFeatures.names, ...itemFeatures.names];
  for await (const rows of source.read(wanted)) {
    for (const row of rows) {
      const { line, values } = row;
      if (!sieve.passes(row)) continue;
      const [user, item, time] = values as [string, string, Value?];
      const block = blockOf(blocks, columns.time !== null);
      const place = block.count++;
      block.users[place] = numberOf(users, user, source.path, line);
      block.items[place] = numberOf(items, item, source.path, line);
      const moment = block.times ? parseTime(time ?? null, source.path, line, order) : 0;
      if (block.times) block.times[place] = moment;
      userFeatures.add(block.users[place]!, row, firstUserFeature, moment);
      itemFeatures.add(block.items[place]!, row, firstItemFeature, moment);
      rowCount++;
    }
    if (rowCount > MAXIMUM_ROWS) throw lineError(source.path, rowCount, `more than ${MAXIMUM_ROWS} rows`);
    onProgress(`reading ${source.path}: ${rowCount} rows, ${users.count} users, ${items.count} items`);
  }
  if (rowCount === 0) sieve.requireMet();
  const { incomplete, leftOut } = sieve;
  return { users, items, rowCount, ...groupByItem(blocks, rowCount, items.count, users.count), incomplete, leftOut };
}

/** Decides which rows are left out, and counts them. */
class RowSieve {
  readonly #path: string;
  readonly #reading: LogReading;
  /** Index within a row of the first value that the conditions need. User, item and time come before this value. */
  readonly #firstCondition: number;
  readonly #unmet: number[];
  readonly #excludedItems = new Set<string>();
  #excluded = 0;
  #missing = 0;
  #firstMissing: string | null = null;

  constructor(path: string, reading: LogReading, firstCondition: number) {
    this.#path = path;
    this.#reading = reading;
    this.#firstCondition = firstCondition;
    this.#unmet = reading.conditions.map(() => 0);
  }

  /** Whether the row has a user and an item that is not excluded, and meets all conditions. */
  passes({ line, values }: Row): boolean {
    const { conditions, exclude } = this.#reading;
    const failed = conditions.findIndex(({ holds }, i) => !holds(values[this.#firstCondition + i]!, this.#path, line));
    if (failed >= 0) {
      this.#unmet[failed]!++;
      return false;
    }
    const [user, item] = values;
    if (typeof item === 'string' && exclude.has(item)) {
      this.#excluded++;
      this.#excludedItems.add(item);
      return false;
    }
    if (typeof user === 'string' && typeof item === 'string') return true;
    this.#firstMissing ??= `${this.#path}:${line}`;
    this.#missing++;
    return false;
  }

  /** Call this method if no row is left. @throws AppError invalid_data if rows failed a condition */
  requireMet(): void {
    if (this.#unmet.some((count) => count > 0))
      throw new AppError('invalid_data', `${this.#path}: no row meets all conditions of --where`);
  }

  get incomplete(): Log['incomplete'] {
    return { count: this.#missing, first: this.#firstMissing };
  }

  get leftOut(): Log['leftOut'] {
    return { conditions: this.#unmet, excluded: this.#excluded, excludedItems: this.#excludedItems };
  }
}

/** The number of users who took an item. */
export function takersOf({ starts }: Log, item: number): number {
  return starts[item + 1]! - starts[item]!;
}

function blockOf(blocks: Block[], hasTimes: boolean): Block {
  const last = blocks.at(-1);
  if (last && last.count < BLOCK_ROWS) return last;
  const block = {
    users: new Int32Array(BLOCK_ROWS),
    items: new Int32Array(BLOCK_ROWS),
    times: hasTimes ? new Float64Array(BLOCK_ROWS) : null,
    count: 0,
  };
  blocks.push(block);
  return block;
}

type Grouped = Pick<Log, 'starts' | 'takers' | 'times' | 'repeated'>;

/** Sorts rows by item (counting sort), frees each block after use, and drops repeated rows. */
function groupByItem(blocks: Block[], rowCount: number, itemCount: number, userCount: number): Grouped {
  const starts = new Uint32Array(itemCount + 1);
  for (const { items, count } of blocks) for (let i = 0; i < count; i++) starts[items[i]! + 1]!++;
  for (let item = 0; item < itemCount; item++) starts[item + 1]! += starts[item]!;
  const next = starts.slice(0, itemCount);
  const takers = new Int32Array(rowCount);
  const times = blocks[0]?.times ? new Float64Array(rowCount) : null;
  for (let block = blocks.shift(); block; block = blocks.shift()) {
    for (let i = 0; i < block.count; i++) {
      const place = next[block.items[i]!]!++;
      takers[place] = block.users[i]!;
      if (times) times[place] = block.times![i]!;
    }
  }
  const kept = dropRepeated(starts, takers, times, userCount);
  return {
    starts,
    takers: takers.subarray(0, kept),
    times: times ? times.subarray(0, kept) : null,
    repeated: rowCount - kept,
  };
}

/** Keeps, in place, only each user's earliest row for an item. Returns the number of remaining rows. */
function dropRepeated(starts: Uint32Array, takers: Int32Array, times: Float64Array | null, userCount: number): number {
  /** 1 + the position of the user's last kept row. */
  const last = new Float64Array(userCount);
  let kept = 0;
  for (let item = 0, from = 0; item < starts.length - 1; item++) {
    const to = starts[item + 1]!;
    const start = kept;
    for (let i = from; i < to; i++) {
      const user = takers[i]!;
      const known = last[user]! - 1;
      if (known >= start) {
        if (times) times[known] = Math.min(times[known]!, times[i]!);
        continue;
      }
      last[user] = kept + 1;
      takers[kept] = user;
      if (times) times[kept] = times[i]!;
      kept++;
    }
    starts[item] = start;
    from = to;
  }
  starts[starts.length - 1] = kept;
  return kept;
}
