/** What an import takes at most. */
import { LINE_LIMITS, type LineLimits } from '../../dataset/lines.ts';
import type { UserLimits } from '../read/users.ts';

export interface ImportLimits extends LineLimits, UserLimits {}

export const IMPORT_LIMITS: ImportLimits = {
  ...LINE_LIMITS,
  maximumUserIdBytes: 256,
  maximumTokenBytes: 1024,
  maximumTokensPerList: 4096,
  maximumUsers: 200_000_000,
  maximumTokensPerDictionary: 100_000_000,
};
