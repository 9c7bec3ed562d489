/** Scores with user sides, so that only values that depend on the campaign are computed for each campaign. */
import { createHash } from 'node:crypto';
import { type Feeds, openSession, printGraph, type Session, type Tensor } from '../../../packages/onnx-grad/index.ts';
import type { Rows } from '../../population/read.ts';
import { encodeCampaign } from '../encode.ts';
import { Pools } from '../scoring/pools.ts';
import {
  BATCH_ROWS,
  type NamedModel,
  ParameterFeeds,
  refuseNaN,
  type ScoredCampaign,
  type Scorer,
  type ScorerOptions,
  type Sharing,
  type UserSides,
} from '../scoring/scored-model.ts';
import type { UserSide } from './user-side-codec.ts';
import type { UserSideGraphs } from './user-side-graphs.ts';
import { UserSideMaker } from './user-side-maker.ts';

export class UserSideScorer implements Scorer {
  readonly batchSize = BATCH_ROWS;
  readonly userSides: UserSides;
  readonly #model: NamedModel;
  readonly #maker: UserSideMaker;
  readonly #campaign: Session | null;
  readonly #head: Session;
  readonly #pools: Pools;
  readonly #parameters: ParameterFeeds;
  /** The user side of the most recent rows that several campaigns share. */
  #shared: { readonly key: string; readonly side: UserSide } | null = null;
  #last: Promise<unknown> = Promise.resolve();

  private constructor(
    model: NamedModel,
    graphs: UserSideGraphs,
    sessions: { readonly maker: UserSideMaker; readonly campaign: Session | null; readonly head: Session },
  ) {
    this.#model = model;
    this.#maker = sessions.maker;
    this.#campaign = sessions.campaign;
    this.#head = sessions.head;
    this.#pools = new Pools(graphs.lists, BATCH_ROWS);
    this.#pools.setTables(model.graph.initializers);
    this.#parameters = new ParameterFeeds([sessions.campaign, sessions.head]);
    this.userSides = {
      layout: layoutOf(graphs),
      make: (rows) => this.#inTurn(() => this.#maker.make(rows)),
      score: (side, campaign, rows) => this.#inTurn(() => this.#scoreSide(side, campaign, rows)),
    };
  }

  static async open(model: NamedModel, graphs: UserSideGraphs, options: ScorerOptions): Promise<UserSideScorer> {
    return new UserSideScorer(model, graphs, {
      maker: await UserSideMaker.open(model, graphs, options),
      campaign: graphs.campaign && (await openSession(graphs.campaign, options)),
      head: await openSession(graphs.head, options),
    });
  }

  score(rows: Rows, campaign: ScoredCampaign, sharing: Sharing | null = null): Promise<Float32Array> {
    return this.#inTurn(() => this.#score(rows, campaign, sharing));
  }

  async close(): Promise<void> {
    await this.#last;
    await this.#maker.close();
    await this.#campaign?.close();
    await this.#head.close();
  }

  #inTurn<T>(action: () => Promise<T>): Promise<T> {
    const done = this.#last.then(action);
    this.#last = done.catch(() => {});
    return done;
  }

  async #score(rows: Rows, campaign: ScoredCampaign, sharing: Sharing | null): Promise<Float32Array> {
    const { without = null, binding = this.#model.binding } = campaign;
    const key = sharing && JSON.stringify([sharing.rows, without, binding.mask]);
    const isKnown = key !== null && this.#shared?.key === key;
    const side = isKnown ? this.#shared!.side : await this.#maker.make(rows, without, binding);
    this.#shared = key !== null && sharing?.isAwaited ? { key, side } : null;
    return this.#scoreSide(side, campaign, () => rows);
  }

  async #scoreSide(side: UserSide, campaign: ScoredCampaign, rows: () => Rows): Promise<Float32Array> {
    const { features, parameters } = campaign;
    const { graph, folder } = this.#model;
    const scores = new Float32Array(side.count);
    const output = this.#head.outputs[0]!;
    const given = this.#parameters.of(parameters, () => this.#pools.setTables(parameters));
    const own = (await this.#campaign?.run({ ...given, ...encodeCampaign(graph, folder, features, 1) })) ?? {};
    this.#pools.setTables(Object.entries(own));
    for (let from = 0; from < side.count; from += BATCH_ROWS) {
      const to = Math.min(from + BATCH_ROWS, side.count);
      const fixed = { ...given, ...encodeCampaign(graph, folder, features, to - from), ...own };
      const feeds = { ...fixed, ...valuesOf(side, from, to), ...this.#pools.sumsOfLists(side.lists, from, to) };
      const result = await this.#head.run(feeds, { outputs: [output] });
      scores.set(result[output]!.data as Float32Array, from);
    }
    await refuseNaN(this.#model, scores, rows, campaign);
    return scores;
  }
}

function valuesOf({ values }: UserSide, from: number, to: number): Feeds {
  const feeds: Record<string, Tensor> = {};
  for (const [name, { dtype, shape, data }] of values) {
    const [, ...sizes] = shape;
    const width = sizes.reduce((product, size) => product * size, 1);
    const part = (data as Float32Array).subarray(from * width, to * width);
    feeds[name] = { dtype, shape: [to - from, ...sizes], data: part } as Tensor;
  }
  return feeds;
}

/** A digest of the graphs that make a user side, and of the number of rows per run. */
function layoutOf({ indices, users, pools, columns, values, lists }: UserSideGraphs): string {
  const graphs = [indices, users].map((graph) => graph && printGraph(graph));
  const text = JSON.stringify([graphs, pools, [...columns], values, lists, BATCH_ROWS]);
  return createHash('sha256').update(text).digest('hex').slice(0, 16);
}
