/** The vocabulary of a feature, from tokens to ids. Id 0 means unknown or empty. */

export interface Vocabulary {
  /** Number of ids: the tokens and id 0. */
  readonly size: number;
  /** Tokens in the order of their ids, from id 1. */
  readonly tokens: readonly string[];
  /** Returns the id of a token; 0 if the token is unknown. */
  find(token: string): number;
}

export function createVocabulary(tokens: readonly string[]): Vocabulary {
  const ids = new Map(tokens.map((token, i) => [token, i + 1]));
  return { size: tokens.length + 1, tokens, find: (token) => ids.get(token) ?? 0 };
}

/** The path of a feature's vocabulary inside the model folder. */
export function vocabularyPath(side: 'user' | 'campaign', feature: string): string {
  return `vocabulary/${side}.${encodeURIComponent(feature)}.json`;
}
