/** What an import takes at most. */
import { LINE_LIMITS, type LineLimits } from '../../dataset/lines.ts';

export interface ImportLimits extends LineLimits {
  /** Longest user id, in bytes of UTF-8. */
  readonly maximumUserIdBytes: number;
  /** Longest token, in bytes of UTF-8. */
  readonly maximumTokenBytes: number;
  readonly maximumTokensPerList: number;
  /** Most users that a directory ever gives numbers to. */
  readonly maximumUsers: number;
  /** Most tokens of one feature's dictionary. */
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
