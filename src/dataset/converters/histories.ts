/** Users' histories: the items that each user took, except items that are campaigns. */
import { type Rng, sample } from '../../lib/rng.ts';
import { type Log, takersOf } from './log.ts';

export interface Histories {
  /** The items in a user's history, the newest first if the log has times. */
  of(user: number): Int32Array;
  /** Number of users with a history. */
  readonly users: number;
  /** Number of items that appear in at least one history. */
  readonly items: number;
  /** Number of items that are left out because too few users took them. */
  readonly rare: number;
}

/** Minimum number of users for an item to appear in histories. An item with fewer users carries no information. */
export const LEAST_TAKERS = 3;

/**
 * Collects the histories of all users, without rare items and without the items marked in `isLeftOut`. If a user has
 * more than `most` items, the newest items are kept, or random items if the log has no times. If `before` is given,
 * rows at or after that time are left out. Memory: 12 bytes per row (4 without times).
 */
export function collectHistories(
  log: Log,
  { isLeftOut, most, before, rng }: { isLeftOut: Uint8Array; most: number; before: number | null; rng: Rng },
): Histories {
  const { starts, takers, times } = log;
  const ends = new Uint32Array(log.users.count + 1);
  let items = 0;
  let rare = 0;
  const isIn = new Uint8Array(log.items.count);
  for (let item = 0; item < log.items.count; item++) {
    if (isLeftOut[item]) continue;
    if (takersOf(log, item) < LEAST_TAKERS) rare++;
    else {
      items++;
      isIn[item] = 1;
    }
  }
  const visit = (use: (user: number, item: number, place: number) => void) => {
    for (let item = 0; item < log.items.count; item++) {
      if (!isIn[item]) continue;
      for (let i = starts[item]!; i < starts[item + 1]!; i++)
        if (before === null || times![i]! < before) use(takers[i]!, item, i);
    }
  };
  visit((user) => ends[user + 1]!++);
  for (let user = 0; user < log.users.count; user++) ends[user + 1]! += ends[user]!;
  const taken = new Int32Array(ends[log.users.count]!);
  const when = times ? new Float64Array(taken.length) : null;
  const next = ends.slice(0, log.users.count);
  visit((user, item, place) => {
    const at = next[user]!++;
    taken[at] = item;
    if (when) when[at] = times![place]!;
  });
  let users = 0;
  for (let user = 0; user < log.users.count; user++) if (ends[user + 1]! > ends[user]!) users++;
  return {
    users,
    items,
    rare,
    of(user) {
      const [from, to] = [ends[user]!, ends[user + 1]!];
      const own = taken.subarray(from, to);
      if (when) return newest(own, when.subarray(from, to), most);
      return own.length <= most ? own : sample(rng.fork(log.users.text(user)), own, most).sort();
    },
  };
}

/** The `most` newest items. Items with equal times are ordered by number. */
function newest(items: Int32Array, times: Float64Array, most: number): Int32Array {
  const places = Int32Array.from(items.keys()).sort((a, b) => times[b]! - times[a]! || items[a]! - items[b]!);
  return places.subarray(0, most).map((place) => items[place]!);
}
