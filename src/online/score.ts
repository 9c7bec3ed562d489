/**
 * Scoring: (customised model, binding, segment) -> scores, a pure function, so that segments can be scored anywhere.
 */

import { cutTables, type Graph, type Tensor } from '../graph/index.ts';
import { AppError } from '../lib/errors.ts';
import type { ModelContract } from '../model/folder.ts';
import type { Rows } from '../population/segments.ts';
import { sliceFeeds } from '../runtime/feed-rows.ts';
import { type Device, type Feeds, openSession, type Session } from '../runtime/session.ts';
import type { Binding } from './binding.ts';
import { type CampaignValues, type EncodingOptions, encodeCampaign, encodeUsers } from './encode.ts';

/**
 * Rows per run. Fixed, not configurable: a matrix product may round differently at another size, and an audience must
 * not depend on that.
 */
const BATCH_ROWS = 2048;

/** Scores segments with one session; the adapted parameters are inputs, so that all campaigns share it. */
export interface Scorer {
  /** Scores of the rows, in order, `[rows.count]`. A score that is not a number is invalid_model. */
  score(
    rows: Rows,
    features: CampaignValues,
    parameters: ReadonlyMap<string, Tensor>,
    without?: EncodingOptions['without'],
  ): Promise<Float32Array>;
  close(): Promise<void>;
}

export async function openScorer(
  what: {
    readonly graph: Graph;
    readonly folder: ModelContract;
    readonly adapted: readonly string[];
    readonly binding: Binding;
  },
  options: { device?: Device } = {},
): Promise<Scorer> {
  const { graph, folder, adapted, binding } = what;
  const session: Session = await openSession(cutTables(graph, adapted, { compact: false }).compactGraph, options);
  // the score, under the name from the cut
  const output = session.outputs[0]!;
  return {
    async score(rows, features, parameters, without = null) {
      const users = encodeUsers(graph, binding, rows, { without });
      const fixed: Feeds = Object.fromEntries(parameters);
      const out = new Float32Array(rows.count);
      for (let from = 0; from < rows.count; from += BATCH_ROWS) {
        const to = Math.min(from + BATCH_ROWS, rows.count);
        const campaign = encodeCampaign(graph, folder, features, to - from);
        const result = await session.run(
          { ...fixed, ...sliceFeeds(users, from, to), ...campaign },
          { outputs: [output] },
        );
        out.set(result[output]!.data as Float32Array, from);
      }
      for (let i = 0; i < out.length; i++) {
        if (Number.isNaN(out[i]!))
          throw new AppError('invalid_model', `the score of user number ${rows.userNumbers[i]} is not a number`);
      }
      return out;
    },
    close: () => session.close(),
  };
}
