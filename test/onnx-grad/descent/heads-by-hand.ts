/** The features of MetaHeac's heads, computed from a user's ids alone. */

import { type Graph, numbersOf, type Tensor, tensor } from '../../../packages/onnx-grad/index.ts';
import type { Feeds } from '../../../packages/onnx-grad/src/session/session.ts';
import { HEADS, LATENT_TABLE } from '../../../src/model/architectures/heads.ts';
import type { MetaHeacConfig } from '../../../src/model/architectures/metaheac.ts';
import { randomFeeds, TINY, tinyGraph } from '../../model/tiny-model.ts';

const HEADS_CONFIG: MetaHeacConfig = { ...TINY, pooling: 'root', heads: { latent: 3 } };
export const HEADS_GRAPH = tinyGraph(HEADS_CONFIG);
export const HEADS_ROWS = 30;
/** Some users have a tag twice, some none. */
export const HEADS_FEEDS = randomFeeds(HEADS_CONFIG, HEADS_ROWS, 'users');
/** wide: rows 0 .. 4 are ages, 5 .. 10 tags. */
export const TABLE_ROWS = 11;
const LATENT = 3;

/** Those users, repeated: row i is user i mod 30. The campaign is unchanged. */
export function headsFeeds(from: number, to: number): Feeds {
  return Object.fromEntries(
    Object.entries(HEADS_FEEDS).map(([name, feed]): [string, Tensor] => {
      if (!name.startsWith('user.')) return [name, feed];
      const width = feed.shape[1] ?? 1;
      const values = numbersOf(feed);
      const data = Array.from({ length: (to - from) * width }, (_, i) => {
        const user = (from + Math.floor(i / width)) % HEADS_ROWS;
        return values[user * width + (i % width)]!;
      });
      return [name, tensor('int32', [to - from, ...feed.shape.slice(1)], data)];
    }),
  );
}

/** The factors of wide, query and bias for each user: `[rows][11 + 3 + 1]`. */
export function headsFeatures({ initializers }: Graph = HEADS_GRAPH): number[][] {
  const [ages, tags, lengths] = ['user.age', 'user.tags', 'user.tags.length'].map((name) =>
    numbersOf(HEADS_FEEDS[name]!),
  );
  const vectors = numbersOf(initializers.get(LATENT_TABLE)!);
  return Array.from({ length: HEADS_ROWS }, (_, user) => {
    const tokens = [
      ...(ages![user]! > 0 ? [ages![user]!] : []),
      ...tags!.slice(3 * user, 3 * user + lengths![user]!).map((id) => 5 + id),
    ];
    const counts = new Array<number>(TABLE_ROWS).fill(0);
    for (const token of tokens) counts[token]! += 1;
    const phi = Array.from({ length: LATENT }, (_, j) =>
      tokens.reduce((sum, token) => sum + vectors[token * LATENT + j]!, 0),
    );
    return [...counts, ...phi, 1];
  });
}

/**
 * The factors of the regression for each user: 1 / sqrt(n) for each of n tokens, `[rows][11]`; a repeated token counts
 * twice.
 */
export function regressionFeatures(): number[][] {
  return headsFeatures().map((row) => {
    const counts = row.slice(0, TABLE_ROWS);
    const tokens = counts.reduce((sum, x) => sum + x, 0);
    return counts.map((count) => (tokens === 0 ? 0 : count / Math.sqrt(tokens)));
  });
}

/** The adapted parameters, concatenated in the order of the features. */
export function headsPoint(parameters: ReadonlyMap<string, Tensor>): number[] {
  return [HEADS.wide, HEADS.query, HEADS.bias].flatMap((name) => numbersOf(parameters.get(name)!));
}

export const dot = (a: readonly number[], b: readonly number[]): number => a.reduce((sum, x, i) => sum + x * b[i]!, 0);
