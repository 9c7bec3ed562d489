/**
 * Scores the users of a segment with a customised model and a binding. Scoring is a pure function, so segments can be
 * scored anywhere.
 */

import {
  type Device,
  type Feeds,
  type Graph,
  inOwnMemory,
  openSession,
  type PoolCut,
  type Session,
  type Tensor,
} from '../../../packages/onnx-grad/index.ts';
import { AppError } from '../../lib/errors.ts';
import { firstNaN, paddingHint } from '../../model/find-nan.ts';
import type { ModelContract } from '../../model/folder.ts';
import type { Rows } from '../../population/read.ts';
import type { Binding } from '../binding.ts';
import {
  type CampaignValues,
  type EncodingOptions,
  encodeCampaign,
  encodeUsers,
  IdArrays,
  type RowRange,
} from '../encode.ts';
import { listsOf, Pools } from './pools.ts';
import { scoringGraphs } from './scoring-graphs.ts';

/**
 * Number of rows per run. It is not configurable: a matrix product may round differently with another number of rows,
 * and an audience must not depend on that.
 */
const BATCH_ROWS = 1024;

/**
 * Maximum size of a model that is searched for the node that produces a NaN. A larger model is not searched, because
 * the search needs two more copies of the model in memory.
 */
const MAXIMUM_SEARCHED_BYTES = 2 ** 28;

/** A campaign for which users are scored. */
export interface ScoredCampaign {
  readonly features: CampaignValues;
  /** The adapted parameters. */
  readonly parameters: ReadonlyMap<string, Tensor>;
  readonly without?: EncodingOptions['without'];
}

/**
 * Rows that are scored for several campaigns, one after another. Results that depend only on the users are computed
 * once.
 */
export interface Sharing {
  /** A key that identifies the rows. */
  readonly rows: string;
  /** Whether the same rows will be scored next for another campaign. If so, shared results are kept. */
  readonly isAwaited: boolean;
}

/** Scores segments. The adapted parameters are inputs of the graph, so all campaigns can share a scorer. */
export interface Scorer {
  /** Rows per run. */
  readonly batchSize: number;
  /**
   * Returns the scores of the rows, in order, `[rows.count]`. Calls run one at a time; others wait. A NaN score is an
   * `invalid_model` error.
   */
  score(rows: Rows, campaign: ScoredCampaign, sharing?: Sharing): Promise<Float32Array>;
  close(): Promise<void>;
}

export interface ScorerOptions {
  readonly device?: Device;
  /** Maximum total size of the tables in bytes; if they are larger, ONNX Runtime does the look-ups. */
  readonly maximumTableBytes?: number;
  /** Returns the name of a user in errors. */
  readonly nameUser?: (userNumber: number) => string;
}

interface ScoredModel {
  readonly graph: Graph;
  readonly folder: ModelContract;
  readonly adapted: readonly string[];
  readonly binding: Binding;
}

export async function openScorer(what: ScoredModel, options: ScorerOptions = {}): Promise<Scorer> {
  const { campaign, pools, users, head } = scoringGraphs(what.graph, what.adapted, options.maximumTableBytes);
  const nameUser = options.nameUser ?? ((userNumber) => `user number ${userNumber}`);
  return new SessionScorer({ ...what, nameUser }, pools, {
    campaign: campaign && (await openSession(campaign, options)),
    // the indices are computed on the CPU, where the look-ups are done
    indices: pools.indices && (await openSession(pools.indices)),
    users: users && (await openSession(users, options)),
    head: await openSession(head, options),
  });
}

interface NamedModel extends ScoredModel {
  nameUser(userNumber: number): string;
}

interface ScoringSessions {
  readonly campaign: Session | null;
  readonly indices: Session | null;
  readonly users: Session | null;
  readonly head: Session;
}

/** The head's inputs for a batch, except those that depend on the campaign's parameters. */
interface UsersPart {
  /** Outputs of the users' part, and inputs that the head reads directly. */
  readonly feeds: Feeds;
  /** Indices and weights of the head's own look-ups. */
  readonly lists: Feeds;
}

class SessionScorer implements Scorer {
  readonly batchSize = BATCH_ROWS;
  readonly #what: NamedModel;
  readonly #sessions: ScoringSessions;
  readonly #pools: Pools;
  readonly #ids = new IdArrays();
  /** The last campaign's parameters that are not tables, in the memory of this thread. */
  #parameters: { readonly of: ScoredCampaign['parameters']; readonly feeds: Feeds } | null = null;
  /** Results by batch for the latest rows that are shared between campaigns. */
  #shared: { readonly key: string; readonly parts: readonly UsersPart[] } | null = null;
  #last: Promise<unknown> = Promise.resolve();
  /** Names of the sums that are inputs of the users' part; `#headSums` has the inputs of the head. */
  readonly #usersSums: ReadonlySet<string>;
  readonly #headSums: ReadonlySet<string>;
  readonly #headLists: ReadonlySet<string>;

  constructor(what: NamedModel, cut: PoolCut, sessions: ScoringSessions) {
    this.#what = what;
    this.#sessions = sessions;
    this.#pools = new Pools(cut, BATCH_ROWS);
    this.#pools.setTables(what.graph.initializers);
    const { head, users } = sessions;
    this.#headSums = new Set([...cut.columns.keys()].filter((name) => head.inputs.includes(name)));
    this.#usersSums = new Set([...cut.columns.keys()].filter((name) => users?.inputs.includes(name)));
    this.#headLists = listsOf(cut.pools.filter(({ input }) => this.#headSums.has(input)));
  }

  score(rows: Rows, campaign: ScoredCampaign, sharing: Sharing | null = null): Promise<Float32Array> {
    const done = this.#last.then(() => this.#score(rows, campaign, sharing));
    this.#last = done.catch(() => {});
    return done;
  }

  async close(): Promise<void> {
    await this.#last;
    for (const session of Object.values(this.#sessions) as (Session | null)[]) await session?.close();
  }

  async #score(rows: Rows, campaign: ScoredCampaign, sharing: Sharing | null): Promise<Float32Array> {
    const { features, parameters, without = null } = campaign;
    const { graph, folder } = this.#what;
    const scores = new Float32Array(rows.count);
    const { head } = this.#sessions;
    const output = head.outputs[0]!;
    const key = sharing && JSON.stringify([sharing.rows, features, without]);
    const known = key !== null && this.#shared?.key === key ? this.#shared.parts : null;
    const kept: UsersPart[] = [];
    const given = this.#use(parameters);
    const own = await this.#campaignPart({ ...given, ...encodeCampaign(graph, folder, features, 1) });
    for (let from = 0, i = 0; from < rows.count; from += BATCH_ROWS, i++) {
      const count = Math.min(BATCH_ROWS, rows.count - from);
      const fixed = { ...given, ...encodeCampaign(graph, folder, features, count), ...own };
      const range = { from, to: from + count };
      const part = known?.[i] ?? (await this.#usersPart(rows, range, without, fixed));
      if (sharing?.isAwaited) kept.push(known ? part : this.#copyOf(part));
      const sums = this.#pools.sums(part.lists, count, this.#headSums);
      const result = await head.run({ ...fixed, ...part.feeds, ...sums }, { outputs: [output] });
      scores.set(result[output]!.data as Float32Array, from);
    }
    this.#shared = key !== null && sharing?.isAwaited ? { key, parts: kept } : null;
    const wrong = scores.findIndex(Number.isNaN);
    if (wrong >= 0) throw await this.#notANumber(rows, wrong, campaign);
    return scores;
  }

  async #campaignPart(given: Feeds): Promise<Feeds> {
    const own = (await this.#sessions.campaign?.run(given)) ?? {};
    this.#pools.setTables(Object.entries(own));
    return own;
  }

  async #usersPart(rows: Rows, range: RowRange, without: EncodingOptions['without'], fixed: Feeds): Promise<UsersPart> {
    const { graph, binding } = this.#what;
    const { indices, users } = this.#sessions;
    const batch = encodeUsers(graph, binding, rows, { without, range, into: this.#ids });
    // a graph may look up the campaign's values once per user
    const given = { ...fixed, ...batch };
    const lists = { ...given, ...(await indices?.run(given)) };
    const sums = this.#pools.sums(lists, range.to - range.from, this.#usersSums);
    return { feeds: { ...batch, ...(await users?.run({ ...given, ...sums })) }, lists };
  }

  /** Copies the head's inputs, because the next batch is written into the same memory. */
  #copyOf({ feeds, lists }: UsersPart): UsersPart {
    const { head } = this.#sessions;
    const copy = (some: Feeds, isRead: (name: string) => boolean): Feeds =>
      Object.fromEntries(
        Object.entries(some).flatMap(([name, value]) =>
          isRead(name) ? [[name, { ...value, data: value.data.slice() }]] : [],
        ),
      );
    return {
      feeds: copy(feeds, (name) => head.inputs.includes(name)),
      lists: copy(lists, (name) => this.#headLists.has(name)),
    };
  }

  /** Converts `parameters` for ONNX Runtime; tables among them go to the pools. */
  #use(parameters: ScoredCampaign['parameters']): Feeds {
    if (this.#parameters?.of === parameters) return this.#parameters.feeds;
    this.#pools.setTables(parameters);
    const sessions = Object.values(this.#sessions) as (Session | null)[];
    const isRead = (name: string) => sessions.some((session) => session?.inputs.includes(name));
    const feeds = Object.fromEntries(
      [...parameters].flatMap(([name, value]) => (isRead(name) ? [[name, inOwnMemory(value)]] : [])),
    );
    this.#parameters = { of: parameters, feeds };
    return feeds;
  }

  /** The error that names the user, the node, and the likely cause in the user's row. */
  async #notANumber(rows: Rows, row: number, campaign: ScoredCampaign): Promise<AppError> {
    const { graph, binding, folder, nameUser } = this.#what;
    const { features, parameters, without = null } = campaign;
    const user = encodeUsers(graph, binding, rows, { without, range: { from: row, to: row + 1 } });
    const feeds = { ...user, ...encodeCampaign(graph, folder, features, 1) };
    const adapted = { ...graph, initializers: new Map([...graph.initializers, ...parameters]) };
    const bytes = [...adapted.initializers.values()].reduce((sum, { data }) => sum + data.byteLength, 0);
    const node = bytes > MAXIMUM_SEARCHED_BYTES ? '' : await firstNaN(adapted, feeds).catch(() => '');
    const who = nameUser(rows.userNumbers[row]!);
    const hint = paddingHint(folder.manifest.features, feeds, 0);
    return new AppError('invalid_model', `the score of ${who} is not a number${node}${hint}`);
  }
}
