/** Which items of a log are campaigns, which of them are the test, and how many seeds each has. */
import { AppError } from '../../lib/errors.ts';
import { type Rng, sampleWithoutReplacement } from '../../lib/rng.ts';
import { type Log, takersOf } from './log.ts';

export interface CampaignChoice {
  /** Least users of a campaign; null: by the data. */
  readonly minimumUsers: number | null;
  /** Most campaigns; null: 300, and at most half of the items with enough users. */
  readonly campaigns: number | null;
  /** The part of the campaigns that are the test. */
  readonly testShare: number;
  /** Seeds of a small and of a large test campaign, or of all. */
  readonly seeds: readonly [small: number, large: number] | readonly [all: number];
}

export interface ChosenCampaign {
  readonly item: number;
  readonly split: 'train' | 'test';
  readonly group: 'small' | 'large' | null;
  /** How many of its users are seeds; of a test campaign. */
  readonly seeds: number;
}

export interface ChosenCampaigns {
  readonly campaigns: readonly ChosenCampaign[];
  readonly minimumUsers: number;
  /** Items with enough users. */
  readonly eligible: number;
  /** When the first test campaign began; null where the log has no times, or there is no test. */
  readonly testStart: number | null;
  /** Items that are neither campaigns nor in histories, as they have nearly the users of a campaign. */
  readonly nearDuplicates: readonly { readonly item: number; readonly of: number }[];
}

/** Most campaigns, unless it is said otherwise. */
const USUAL_CAMPAIGNS = 300;
/** Least users of a campaign, unless it is said otherwise: fewer leave too few to measure by. */
const USUAL_MINIMUM = 50;
/** Two items say the same where so much of the users of either took both. */
export const SAME_OVERLAP = 0.8;
/** An item is as old as the time by which this part of its users had it: one wrong time makes no item old. */
const START_QUANTILE = 0.1;

/**
 * Draws campaigns among the items with enough users, leaves out what says the same as one of them, and splits them: the
 * newest are the test where the log has times, else drawn ones. By the data, enough users are those of the item at rank
 * 2 x 300, and at least 50. Errors: AppError `invalid_data` where fewer than two items can be campaigns.
 */
export function chooseCampaigns(log: Log, choice: CampaignChoice, rng: Rng): ChosenCampaigns {
  const sizes = Int32Array.from({ length: log.items.count }, (_, item) => takersOf(log, item));
  const descending = sizes.slice().sort().reverse();
  const usual = Math.max(USUAL_MINIMUM, descending[2 * USUAL_CAMPAIGNS - 1] ?? 0);
  const minimumUsers = choice.minimumUsers ?? usual;
  const eligible = Int32Array.from(sizes.keys()).filter((item) => sizes[item]! >= minimumUsers);
  if (eligible.length < 2) throw tooFew(eligible.length, minimumUsers, descending);
  const most = choice.campaigns ?? Math.min(USUAL_CAMPAIGNS, Math.ceil(eligible.length / 2));
  const drawn: number[] = [];
  const nearDuplicates: { item: number; of: number }[] = [];
  const isTaken = new Uint8Array(sizes.length);
  const marks = new Int32Array(log.users.count);
  for (const place of sampleWithoutReplacement(rng.fork('campaigns'), eligible.length, eligible.length)) {
    const item = eligible[place]!;
    if (drawn.length === most) break;
    if (isTaken[item]) continue;
    drawn.push(item);
    isTaken[item] = 1;
    for (const other of findSame(log, item, sizes, marks, drawn.length)) {
      if (isTaken[other]) continue;
      isTaken[other] = 1;
      nearDuplicates.push({ item: other, of: item });
    }
  }
  if (drawn.length < 2) throw tooFew(drawn.length, minimumUsers, descending);
  return { ...split(log, drawn, choice, sizes), minimumUsers, eligible: eligible.length, nearDuplicates };
}

function tooFew(count: number, minimumUsers: number, descending: Int32Array): AppError {
  const largest = [...descending.subarray(0, 5)].join(', ') || 'none';
  return new AppError(
    'invalid_data',
    `${count} items with at least ${minimumUsers} users can be campaigns, and two are needed: ` +
      `the largest items have ${largest} users (--minimum-users)`,
  );
}

/**
 * The items whose users overlap with those of `item` by SAME_OVERLAP (Jaccard). Only items of about its size can, and
 * one is given up as soon as it has too many users of its own. `mark` is new in `marks`.
 */
function findSame(log: Log, item: number, sizes: Int32Array, marks: Int32Array, mark: number): number[] {
  const { starts, takers } = log;
  const size = sizes[item]!;
  for (let i = starts[item]!; i < starts[item + 1]!; i++) marks[takers[i]!] = mark;
  const same: number[] = [];
  for (let other = 0; other < sizes.length; other++) {
    const otherSize = sizes[other]!;
    if (other === item || otherSize < SAME_OVERLAP * size || size < SAME_OVERLAP * otherSize) continue;
    // |A and B| / |A or B| >= s where |A and B| >= s / (1 + s) (|A| + |B|)
    let spare = otherSize - Math.ceil((SAME_OVERLAP / (1 + SAME_OVERLAP)) * (size + otherSize));
    for (let i = starts[other]!; i < starts[other + 1]! && spare >= 0; i++) if (marks[takers[i]!] !== mark) spare--;
    if (spare >= 0) same.push(other);
  }
  return same;
}

/** The last of `drawn` are the test: by their start where there are times. */
function split(
  log: Log,
  drawn: readonly number[],
  { testShare, seeds: [small, large] }: CampaignChoice,
  sizes: Int32Array,
): Pick<ChosenCampaigns, 'campaigns' | 'testStart'> {
  const startOf = new Map(drawn.map((item) => [item, log.times ? startTime(log, item) : 0]));
  const order = [...drawn].sort((a, b) => startOf.get(a)! - startOf.get(b)!);
  const trainCount = order.length - Math.round(testShare * order.length);
  let isLargeNext = false;
  const campaigns = order.map((item, i): ChosenCampaign => {
    if (i < trainCount) return { item, split: 'train', group: null, seeds: 0 };
    const half = Math.floor(sizes[item]! / 2);
    if (large === undefined) return { item, split: 'test', group: null, seeds: Math.min(small, half) };
    const isLarge = isLargeNext && half >= large;
    if (half >= large) isLargeNext = !isLargeNext;
    const seeds = isLarge ? large : Math.min(small, half);
    return { item, split: 'test', group: isLarge ? 'large' : 'small', seeds };
  });
  const first = order[trainCount];
  return { campaigns, testStart: log.times && first !== undefined ? startOf.get(first)! : null };
}

/** When the first tenth of an item's users had it. */
function startTime({ starts, times }: Log, item: number): number {
  const own = times!.slice(starts[item]!, starts[item + 1]!).sort();
  return own[Math.floor(START_QUANTILE * (own.length - 1))]!;
}
