/** Limits on imports. */
import { LINE_LIMITS, type LineLimits } from '../../dataset/lines.ts';

export interface ImportLimits extends LineLimits {
  /** Maximum length of a user id, in bytes of UTF-8. */
  readonly maximumUserIdBytes: number;
  /** Maximum length of a token, in bytes of UTF-8. */
  readonly maximumTokenBytes: number;
  readonly maximumTokensPerList: number;
  /** Maximum number of users in a directory. */
  readonly maximumUsers: number;
  /** Maximum number of tokens in the dictionary of one feature. */
  readonly maximumTokensPerDictionary: number;
}

export const IMPORT_LIMITS: ImportLimits = {
  ...LINE_LIMITS,
  maximumUserIdBytes: 256,
  maximumTokenBytes: 1024,
  maximumTokensPerList: 4096,
  maximumUsers: 200_000_000,
  maximumTokensPerDictionary: 100_000_000,
};
