/** Reads rankings for the audience routes, which call these functions through a port. */
import { armsOf, countArms, countLeftOut } from './arms.ts';
import { changeBlocks, countDiff, missingFrom } from './diff.ts';
import { membershipOf } from './membership.ts';
import { memberJson, pageOf } from './page.ts';
import { memberText } from './stream/block-encoding.ts';
import { memberBlocks } from './stream/member-blocks.ts';

export const RANKING_READS = {
  armsOf,
  countArms,
  countLeftOut,
  membershipOf,
  pageOf,
  memberJson,
  memberText,
  memberBlocks,
  countDiff,
  missingFrom,
  changeBlocks,
};
