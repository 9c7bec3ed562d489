/** Reads rankings for the audience routes, which call these functions through a port. */
import { armsOf, countArms, countLeftOut } from './arms.ts';
import { changeBlocks, countDiff, missingFrom } from './diff.ts';
import { membershipOf } from './membership.ts';
import { pageOf } from './page.ts';
import { memberBlocks } from './stream/member-blocks.ts';
import { memberText } from './stream/row-formats.ts';

export const RANKING_READS = {
  armsOf,
  countArms,
  countLeftOut,
  membershipOf,
  pageOf,
  memberText,
  memberBlocks,
  countDiff,
  missingFrom,
  changeBlocks,
};
