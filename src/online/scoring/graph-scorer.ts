/**
 * Scores with the whole graph of a model. Everything that depends on campaign features is computed for each campaign.
 */
import { type Feeds, openSession, type PoolCut, type Session } from '../../../packages/onnx-grad/index.ts';
import type { Rows } from '../../population/read.ts';
import type { Binding } from '../binding.ts';
import { type EncodingOptions, encodeCampaign, encodeUsers, IdArrays, type RowRange } from '../encode.ts';
import { listsOf, Pools } from './pools.ts';
import {
  BATCH_ROWS,
  type NamedModel,
  ParameterFeeds,
  refuseNaN,
  type ScoredCampaign,
  type Scorer,
  type ScorerOptions,
  type Sharing,
} from './scored-model.ts';
import { scoringGraphs } from './scoring-graphs.ts';

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
