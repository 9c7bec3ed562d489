/** The types, constants and helpers that all scorers share, and the scorer that runs the whole graph. */
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
import type { UserSide } from '../user-side/user-side-codec.ts';
import { listsOf, Pools } from './pools.ts';
import { scoringGraphs } from './scoring-graphs.ts';

/**
 * Number of rows per run. It is not configurable, because matrix products with different numbers of rows may be rounded
 * differently, and an audience must not depend on such differences.
 */
export const BATCH_ROWS = 1024;

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
  /** The masked binding of a campaign with a mask; by default the binding of the scorer. */
  readonly binding?: Binding;
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
   * Returns the scores of the rows, in order, `[rows.count]`. Calls run one at a time. A NaN score causes an
   * `invalid_model` error.
   */
  score(rows: Rows, campaign: ScoredCampaign, sharing?: Sharing): Promise<Float32Array>;
  /** Makes user sides and scores with them; null if the model has no user side. */
  readonly userSides: UserSides | null;
  close(): Promise<void>;
}

/** Makes user sides of rows, and scores with them. */
export interface UserSides {
  /**
   * A digest of the part of the model that computes user sides. User sides with different digests are not
   * interchangeable.
   */
  readonly layout: string;
  make(rows: Rows): Promise<UserSide>;
  /**
   * Returns the scores of the rows of a user side, equal bit by bit to those of `score`. `rows` reads the rows if an
   * error has to be explained. The campaign must not leave out a token.
   */
  score(side: UserSide, campaign: ScoredCampaign, rows: () => Rows): Promise<Float32Array>;
}

export interface ScorerOptions {
  readonly device?: Device;
  /**
   * Maximum total size of the tables in bytes. For a table that would exceed this size, ONNX Runtime does the look-ups.
   */
  readonly maximumTableBytes?: number;
  /** Whether to use user sides, if the model allows it. Default: true. */
  readonly withUserSide?: boolean;
  /** Returns the name by which error messages refer to a user. */
  readonly nameUser?: (userNumber: number) => string;
}

export interface ScoredModel {
  readonly graph: Graph;
  readonly folder: ModelContract;
  readonly adapted: readonly string[];
  readonly binding: Binding;
}

export interface NamedModel extends ScoredModel {
  nameUser(userNumber: number): string;
}

/**
 * @throws AppError invalid_model if a score is NaN; the error names the user, the node, and the likely cause in the row
 */
export async function refuseNaN(
  { graph, binding, folder, nameUser }: NamedModel,
  scores: Float32Array,
  rows: () => Rows,
  { features, parameters, without = null, binding: own = binding }: ScoredCampaign,
): Promise<void> {
  const wrong = scores.findIndex(Number.isNaN);
  if (wrong < 0) return;
  const all = rows();
  const user = encodeUsers(graph, own, all, { without, range: { from: wrong, to: wrong + 1 } });
  const feeds = { ...user, ...encodeCampaign(graph, folder, features, 1) };
  const adapted = { ...graph, initializers: new Map([...graph.initializers, ...parameters]) };
  const bytes = [...adapted.initializers.values()].reduce((sum, { data }) => sum + data.byteLength, 0);
  const node = bytes > MAXIMUM_SEARCHED_BYTES ? '' : await firstNaN(adapted, feeds).catch(() => '');
  const who = nameUser(all.userNumbers[wrong]!);
  const hint = paddingHint(folder.manifest.features, feeds, 0);
  throw new AppError('invalid_model', `the score of ${who} is not a number${node}${hint}`);
}

/**
 * The parameters of the campaign that was scored last, in this thread's memory. Parameters that no session reads are
 * left out.
 */
export class ParameterFeeds {
  readonly #sessions: readonly (Session | null)[];
  #last: { readonly of: ScoredCampaign['parameters']; readonly feeds: Feeds } | null = null;

  constructor(sessions: readonly (Session | null)[]) {
    this.#sessions = sessions;
  }

  /** Calls `onChange` if the parameters are not those of the previous call. */
  of(parameters: ScoredCampaign['parameters'], onChange: () => void): Feeds {
    if (this.#last?.of === parameters) return this.#last.feeds;
    onChange();
    const isRead = (name: string) => this.#sessions.some((session) => session?.inputs.includes(name));
    const feeds = Object.fromEntries(
      [...parameters].flatMap(([name, value]) => (isRead(name) ? [[name, inOwnMemory(value)]] : [])),
    );
    this.#last = { of: parameters, feeds };
    return feeds;
  }
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

/**
 * Scores with the whole graph of a model. Everything that depends on campaign features is computed for each campaign.
 */
export class GraphScorer implements Scorer {
  readonly batchSize = BATCH_ROWS;
  readonly userSides = null;
  readonly #what: NamedModel;
  readonly #sessions: ScoringSessions;
  readonly #pools: Pools;
  readonly #ids = new IdArrays();
  readonly #parameters: ParameterFeeds;
  /** Results, by batch, for the most recent rows that several campaigns share. */
  #shared: { readonly key: string; readonly parts: readonly UsersPart[] } | null = null;
  #last: Promise<unknown> = Promise.resolve();
  /**
   * Names of the sums that are inputs of the users' part; `#headSums` has the names of those that are inputs of the
   * head.
   */
  readonly #usersSums: ReadonlySet<string>;
  readonly #headSums: ReadonlySet<string>;
  readonly #headLists: ReadonlySet<string>;

  private constructor(what: NamedModel, cut: PoolCut, sessions: ScoringSessions) {
    this.#what = what;
    this.#sessions = sessions;
    this.#pools = new Pools(cut.pools, BATCH_ROWS);
    this.#pools.setTables(what.graph.initializers);
    this.#parameters = new ParameterFeeds(Object.values(sessions));
    const { head, users } = sessions;
    this.#headSums = new Set([...cut.columns.keys()].filter((name) => head.inputs.includes(name)));
    this.#usersSums = new Set([...cut.columns.keys()].filter((name) => users?.inputs.includes(name)));
    this.#headLists = listsOf(cut.pools.filter(({ input }) => this.#headSums.has(input)));
  }

  static async open(what: NamedModel, options: ScorerOptions): Promise<GraphScorer> {
    const { campaign, pools, users, head } = scoringGraphs(what.graph, what.adapted, options.maximumTableBytes);
    return new GraphScorer(what, pools, {
      campaign: campaign && (await openSession(campaign, options)),
      // the indices are computed on the CPU, where the look-ups are done
      indices: pools.indices && (await openSession(pools.indices)),
      users: users && (await openSession(users, options)),
      head: await openSession(head, options),
    });
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
    const { features, parameters, without = null, binding = this.#what.binding } = campaign;
    const { graph, folder } = this.#what;
    const scores = new Float32Array(rows.count);
    const { head } = this.#sessions;
    const output = head.outputs[0]!;
    const key = sharing && JSON.stringify([sharing.rows, features, without, binding.mask]);
    const known = key !== null && this.#shared?.key === key ? this.#shared.parts : null;
    const kept: UsersPart[] = [];
    const given = this.#parameters.of(parameters, () => this.#pools.setTables(parameters));
    const own = await this.#campaignPart({ ...given, ...encodeCampaign(graph, folder, features, 1) });
    for (let from = 0, i = 0; from < rows.count; from += BATCH_ROWS, i++) {
      const count = Math.min(BATCH_ROWS, rows.count - from);
      const fixed = { ...given, ...encodeCampaign(graph, folder, features, count), ...own };
      const range = { from, to: from + count };
      const part = known?.[i] ?? (await this.#usersPart(rows, binding, { without, range }, fixed));
      if (sharing?.isAwaited) kept.push(known ? part : this.#copyOf(part));
      const sums = this.#pools.sums(part.lists, count, this.#headSums);
      const result = await head.run({ ...fixed, ...part.feeds, ...sums }, { outputs: [output] });
      scores.set(result[output]!.data as Float32Array, from);
    }
    this.#shared = key !== null && sharing?.isAwaited ? { key, parts: kept } : null;
    await refuseNaN(this.#what, scores, () => rows, campaign);
    return scores;
  }

  async #campaignPart(given: Feeds): Promise<Feeds> {
    const own = (await this.#sessions.campaign?.run(given)) ?? {};
    this.#pools.setTables(Object.entries(own));
    return own;
  }

  async #usersPart(
    rows: Rows,
    binding: Binding,
    { without, range }: Pick<EncodingOptions, 'without'> & { readonly range: RowRange },
    fixed: Feeds,
  ): Promise<UsersPart> {
    const { graph } = this.#what;
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
}
