/**
 * Prepares a population for training without campaigns: a frequent token is a campaign, and the users who have the
 * token are its members.
 */
import { basename, resolve } from 'node:path';
import { AppError } from '../../lib/errors.ts';
import { columnOf, hasTokens } from '../../lib/feature-kinds.ts';
import { createRng, firstAbove, type Rng, sample, shuffle } from '../../lib/rng.ts';
import type { Hidden } from '../../online/swap.ts';
import type { Population } from '../../population/read.ts';
import { type CampaignHistory, labelledRows } from './history.ts';
import type { ScaledFeature } from './number-scales.ts';
import { type Block, blocksOf, buildOneHot, codeAt, type OneHot, tokenFrequencies } from './one-hot.ts';
import type { PreparedDataSet } from './prepared-data-set.ts';
import { openTrainingPopulation } from './training-population.ts';

/** The number of campaigns made from one feature's tokens. */
export interface ChosenTokens {
  readonly feature: string;
  readonly campaigns: number;
  /** The smallest and the largest number of holders of a chosen token. */
  readonly holders: readonly [number, number];
}

/**
 * The population in `path` as a data set without campaign features. Its train campaigns are tokens, and it has no test
 * campaigns. Each campaign hides its token and equivalent tokens by replacing them with other tokens. Errors:
 * invalid_population; invalid_data if no token has enough holders, or if no feature is left to distinguish users by.
 */
export function prepareSelfSupervised(
  path: string,
  options: {
    readonly seed: number;
    /** Maximum number of tokens per user feature; the most frequent are kept. Default: all. */
    readonly maximumTokens?: number;
    readonly choice?: TokenChoice;
  },
): { readonly prepared: PreparedDataSet; readonly chosen: readonly ChosenTokens[] } {
  const { seed, maximumTokens, choice = TOKEN_CHOICE } = options;
  const { population, features, userFeatures } = openTrainingPopulation(path, maximumTokens);
  const source = { population, features, oneHot: buildOneHot(population, features) };
  const rng = createRng(`train/${seed}/campaigns`);
  const tokens = tokenCampaigns(source, choice, rng);
  if (tokens.length === 0)
    throw new AppError(
      'invalid_data',
      `no token of ${path} has at least ${choice.leastHolders} holders and at most half of the ` +
        `${population.rowCount} users, so there is nothing to learn from`,
    );
  if (features.length === 1 && columnOf(features[0]!.kind) === 'single')
    throw new AppError(
      'invalid_data',
      `${path} has only the single-valued feature "${features[0]!.name}": no other feature distinguishes its holders`,
    );
  const history = { campaigns: tokens.map(({ campaign }) => campaign), skipped: [] };
  const byCampaign = new Map(tokens.map((one) => [one.campaign.id, one.hidden]));
  const hidden = { byCampaign, draws: drawTokens(source, rng.fork('draws')) };
  const dataSet = { path, name: basename(resolve(path)), userFeatures, campaignFeatures: [] };
  const chosen = features.flatMap(({ name }) => {
    const sizes = tokens
      .filter(({ feature }) => feature === name)
      .map(({ campaign }) => campaign.train.labels.reduce((sum, label) => sum + label, 0));
    const holders = [Math.min(...sizes), Math.max(...sizes)] as const;
    return sizes.length === 0 ? [] : [{ feature: name, campaigns: sizes.length, holders }];
  });
  return { prepared: { dataSet, population, userFeatures, history, hidden, close: () => {} }, chosen };
}

/** How tokens are chosen. */
export interface TokenChoice {
  /** Minimum number of holders (users who have the token). */
  readonly leastHolders: number;
  /**
   * Maximum number of holders of a token, as a share of the users, because a token that most users have distinguishes
   * nobody.
   */
  readonly mostShare: number;
  /** Number of tokens to draw from among twice as many of the most frequent tokens. */
  readonly campaigns: number;
  /** Maximum total number of holders of all campaigns. Fewer tokens are drawn if necessary, to limit memory. */
  readonly holders: number;
}

export const TOKEN_CHOICE: TokenChoice = { leastHolders: 20, mostShare: 0.5, campaigns: 300, holders: 50_000_000 };

/** Number of rows of other users for each member. */
const OTHERS_PER_MEMBER = 10;

/**
 * A token is equivalent to another token if nearly all of its holders also have the other token, or if the users with
 * both are half of the users with either.
 */
const IMPLIED = 0.9;
const OVERLAP = 0.5;
/** Minimum number of holders, because with fewer holders a token's relation to other tokens may be chance. */
const LEAST_COMPARED = 5;
/** Maximum number of holders (evenly spread) for whom other tokens are counted; enough to estimate shares. */
const COMPARED_HOLDERS = 20_000;

/** Number of tokens per feature that are drawn as replacements for hidden tokens. */
const DRAWS = 8192;

/** A token that is a campaign. */
interface TokenCampaign {
  readonly feature: string;
  readonly token: string;
  readonly campaign: CampaignHistory;
  /** The token itself and the tokens equivalent to it. */
  readonly hidden: readonly Hidden[];
}

/** The population from which tokens are chosen. */
interface TokenSource {
  readonly population: Population;
  readonly features: readonly ScaledFeature[];
  /** The matrix of these features, with uncut lists. */
  readonly oneHot: OneHot;
}

/**
 * Draws tokens of features that are not sensitive and makes campaigns of them. Tokens that are equivalent to a token
 * already drawn are left out. All holders are members; ten times as many other users have label 0.
 */
export function tokenCampaigns(source: TokenSource, choice: TokenChoice, rng: Rng): TokenCampaign[] {
  const { oneHot } = source;
  const blocks = blocksOf(source.population, source.features);
  const counts = tokenFrequencies(oneHot);
  const eligible = eligibleColumns(source, blocks, counts, choice);
  const frequent = eligible.subarray(0, 2 * choice.campaigns);
  shuffle(rng.fork('tokens'), frequent);
  const drawn = affordable(frequent, counts, choice.holders);
  const holders = holdersOf(oneHot, drawn, counts);
  const isGone = new Uint8Array(oneHot.width);
  const seen = new Int32Array(oneHot.width);
  const out: TokenCampaign[] = [];
  for (const [i, column] of drawn.entries()) {
    if (out.length === choice.campaigns) break;
    if (isGone[column] === 1) continue;
    const same = sameColumns(oneHot, column, holders[i]!, counts, seen);
    for (const other of same) isGone[other] = 1;
    out.push(describe(source, blocks, { column, holders: holders[i]!, same }, rng));
  }
  return out;
}

/** The first columns that together have no more than `most` holders. */
function affordable(columns: Int32Array, counts: Int32Array, most: number): Int32Array {
  let sum = 0;
  const end = columns.findIndex((column) => {
    sum += counts[column]!;
    return sum > most;
  });
  return end === -1 ? columns : columns.subarray(0, end);
}

/**
 * For each feature with tokens, the codes that replace hidden tokens, drawn in proportion to their frequency among
 * users.
 */
function drawTokens({ population, features, oneHot }: TokenSource, rng: Rng): ReadonlyMap<string, Int32Array> {
  const counts = tokenFrequencies(oneHot);
  const blocks = blocksOf(population, features).filter(({ kind }) => hasTokens(kind));
  return new Map(
    blocks.map((block) => {
      const { name, firstColumn, width } = block;
      // the first column of a feature is not a token
      const ends = new Float64Array(width);
      for (let code = 1; code < width; code++) ends[code] = ends[code - 1]! + counts[firstColumn + code]!;
      const own = rng.fork(name);
      const total = ends[width - 1]!;
      const draw = () => codeAt(block, firstColumn + firstAbove(ends, own.uniform() * total));
      return [name, Int32Array.from({ length: total > 0 ? DRAWS : 0 }, draw)];
    }),
  );
}

/** Columns that may become campaigns, the most frequent first. */
function eligibleColumns(
  { features, oneHot }: TokenSource,
  blocks: readonly Block[],
  counts: Int32Array,
  { leastHolders, mostShare }: TokenChoice,
): Int32Array {
  const most = mostShare * oneHot.users.length;
  const columns: number[] = [];
  for (const [i, { kind, firstColumn, width }] of blocks.entries()) {
    if (!hasTokens(kind) || features[i]!.sensitive) continue;
    // code 0 is not a token
    for (let column = firstColumn + 1; column < firstColumn + width; column++)
      if (counts[column]! >= leastHolders && counts[column]! <= most) columns.push(column);
  }
  return Int32Array.from(columns.sort((a, b) => counts[b]! - counts[a]! || a - b));
}

/** For each column, the users who have it, ascending. */
function holdersOf({ offsets, tokens, users }: OneHot, columns: Int32Array, counts: Int32Array): Int32Array[] {
  const placeOf = new Map([...columns].map((column, i) => [column, i]));
  const out = Array.from(columns, (column) => new Int32Array(counts[column]!));
  const filled = new Int32Array(columns.length);
  for (const user of users) {
    for (let i = offsets[user]!; i < offsets[user + 1]!; i++) {
      const place = placeOf.get(tokens[i]!);
      if (place !== undefined) out[place]![filled[place]!++] = user;
    }
  }
  return out;
}

/** Returns `column` and the columns equivalent to it. `seen` is all zeros before and after the call. */
function sameColumns(
  { offsets, tokens }: OneHot,
  column: number,
  holders: Int32Array,
  counts: Int32Array,
  seen: Int32Array,
): number[] {
  const step = Math.max(1, holders.length / COMPARED_HOLDERS);
  const touched: number[] = [];
  let compared = 0;
  for (let at = 0; at < holders.length; at += step, compared++) {
    const user = holders[Math.floor(at)]!;
    for (let i = offsets[user]!; i < offsets[user + 1]!; i++) {
      const other = tokens[i]!;
      if (seen[other] === 0) touched.push(other);
      seen[other]! += 1;
    }
  }
  const same = touched.filter((other) => {
    const both = (seen[other]! / compared) * holders.length;
    const own = counts[other]!;
    const isImplied = own >= LEAST_COMPARED && both >= IMPLIED * own;
    return other === column || isImplied || both >= OVERLAP * (own + holders.length - both);
  });
  for (const other of touched) seen[other] = 0;
  return same;
}

function describe(
  { population, oneHot }: TokenSource,
  blocks: readonly Block[],
  {
    column,
    holders,
    same,
  }: { readonly column: number; readonly holders: Int32Array; readonly same: readonly number[] },
  rng: Rng,
): TokenCampaign {
  const blockOf = (one: number) => blocks.find(({ firstColumn, width }) => one < firstColumn + width)!;
  const tokenOf = (one: number, block: Block) => population.dictionary(block.name).token(codeAt(block, one));
  const byFeature = new Map<string, string[] | null>();
  for (const one of same) {
    const block = blockOf(one);
    if (!hasTokens(block.kind)) byFeature.set(block.name, null);
    else byFeature.set(block.name, [...(byFeature.get(block.name) ?? []), tokenOf(one, block)]);
  }
  const own = blockOf(column);
  const token = tokenOf(column, own);
  const id = `${own.name}=${token}`;
  const isHolder = new Set(holders);
  const others = oneHot.users.filter((user) => !isHolder.has(user));
  const drawn = sample(rng.fork(id), others, OTHERS_PER_MEMBER * holders.length);
  const nobody = new Int32Array(0);
  const campaign: CampaignHistory = {
    id,
    features: {},
    split: 'train',
    group: null,
    train: labelledRows(holders, drawn),
    seeds: nobody,
    evaluation: { users: nobody, labels: new Uint8Array(0) },
  };
  return {
    feature: own.name,
    token,
    campaign,
    hidden: [...byFeature].map(([feature, tokens]) => ({ feature, tokens })),
  };
}
