/**
 * Chooses which items of a log become campaigns, which campaigns are test campaigns, and how many seeds each campaign
 * has.
 */
import { AppError } from '../../lib/errors.ts';
import { type Rng, sampleWithoutReplacement } from '../../lib/rng.ts';
import { type Log, takersOf } from './log.ts';

export interface CampaignChoice {
  /** Minimum number of users per campaign; null to derive the minimum from the data. */
  readonly minimumUsers: number | null;
  /** Maximum number of campaigns; null for the smaller of 300 and half of the items with enough users. */
  readonly campaigns: number | null;
  /** The share of campaigns that become test campaigns. */
  readonly testShare: number;
  /** Number of seeds in each small and in each large test campaign, or one number for all test campaigns. */
  readonly seeds: readonly [small: number, large: number] | readonly [all: number];
}

export interface ChosenCampaign {
  readonly item: number;
  readonly split: 'train' | 'test';
  readonly group: 'small' | 'large' | null;
  /** Number of seeds; 0 for a train campaign. */
  readonly seeds: number;
}

export interface ChosenCampaigns {
  readonly campaigns: readonly ChosenCampaign[];
  readonly minimumUsers: number;
  /** Number of items with enough users. */
  readonly eligible: number;
  /** When the first test campaign began; null if the log has no times or there is no test campaign. */
  readonly testStart: number | null;
  /** Items with nearly the same users as a campaign. Such items neither become campaigns nor appear in histories. */
  readonly nearDuplicates: readonly { readonly item: number; readonly of: number }[];
}

/** Default maximum number of campaigns. */
const USUAL_CAMPAIGNS = 300;
/** Default minimum number of users per campaign. With fewer users, too few would be left for evaluation. */
const USUAL_MINIMUM = 50;
/** Two items are near duplicates if at least this share of the users who took either item took both items. */
export const SAME_OVERLAP = 0.8;
/**
 * An item's start is the time by which this share of its users had taken it, so that one wrong time does not make the
 * item look old.
 */
const START_QUANTILE = 0.1;

/**
 * Draws campaigns from the items with enough users, leaves out near duplicates, and chooses test campaigns: the newest
 * campaigns if the log has times, else random campaigns. By default, an item needs at least 50 users, and at least as
 * many as the item that ranks 600th (2 * 300) by number of users. Errors: AppError `invalid_data` if fewer than two
 * items can be campaigns.
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
    `${count} items with at least ${minimumUsers} users can be campaigns, but two are needed: ` +
      `the largest items have ${largest} users (--minimum-users)`,
  );
}

/**
 * The items whose sets of users have a Jaccard similarity of at least SAME_OVERLAP with the users of `item`. Only items
 * of about the same size can overlap that much. A comparison stops as soon as too many users of the compared item did
 * not take `item`. `mark` must not occur in `marks` yet.
 */
function findSame(log: Log, item: number, sizes: Int32Array, marks: Int32Array, mark: number): number[] {
  const { starts, takers } = log;
  const size = sizes[item]!;
  for (let i = starts[item]!; i < starts[item + 1]!; i++) marks[takers[i]!] = mark;
  const same: number[] = [];
  for (let other = 0; other < sizes.length; other++) {
    const otherSize = sizes[other]!;
    if (other === item || otherSize < SAME_OVERLAP * size || size < SAME_OVERLAP * otherSize) continue;
    // |A and B| / |A or B| >= s if and only if |A and B| >= s / (1 + s) * (|A| + |B|)
    let spare = otherSize - Math.ceil((SAME_OVERLAP / (1 + SAME_OVERLAP)) * (size + otherSize));
    for (let i = starts[other]!; i < starts[other + 1]! && spare >= 0; i++) if (marks[takers[i]!] !== mark) spare--;
    if (spare >= 0) same.push(other);
  }
  return same;
}

/** Sorts the items in `drawn` by their start if there are times. The last items become test campaigns. */
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

/** The time by which one tenth of an item's users had taken the item. */
function startTime({ starts, times }: Log, item: number): number {
  const own = times!.slice(starts[item]!, starts[item + 1]!).sort();
  return own[Math.floor(START_QUANTILE * (own.length - 1))]!;
}
