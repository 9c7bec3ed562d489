/** The types, constants and helpers that all scorers share. */
import {
  type Device,
  type Feeds,
  type Graph,
  inOwnMemory,
  type Session,
  type Tensor,
} from '../../../packages/onnx-grad/index.ts';
import { AppError } from '../../lib/errors.ts';
import { firstNaN, paddingHint } from '../../model/find-nan.ts';
import type { ModelContract } from '../../model/folder.ts';
import type { Rows } from '../../population/read.ts';
import type { Binding } from '../binding.ts';
import { type CampaignValues, type EncodingOptions, encodeCampaign, encodeUsers } from '../encode.ts';
import type { UserSide } from '../user-side/user-side.ts';

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
