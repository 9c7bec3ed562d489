/** Limits for reading audiences, explanations and customised models. */
import { fixed } from '../../lib/limits.ts';

export const AUDIENCE_LIMITS = {
  maximumPageSize: fixed(10_000, 'users', 'Maximum number of users in one page of an audience.', { published: true }),
  defaultPageSize: fixed(1_000, 'users', 'Number of users in a page of an audience if no `limit` is given.'),
  maximumBatchMembers: fixed(1_000, 'users', 'Maximum number of users in one batch of membership look-ups.', {
    published: true,
  }),
  maximumVersionPageSize: fixed(200, 'versions', 'Maximum number of audience versions in one page.'),
  defaultVersionPageSize: fixed(50, 'versions', 'Number of audience versions in a page if no `limit` is given.'),
  maximumUserAudiencePageSize: fixed(1_000, 'audiences', "Maximum number of a user's audiences in one page."),
  defaultUserAudiencePageSize: fixed(
    1_000,
    'audiences',
    "Number of a user's audiences per page if no `limit` is given.",
  ),
  streamChunkRows: fixed(2_000, 'rows', 'Number of rows that an audience stream reads, formats and sends at once.'),
  parquetRowGroupRows: fixed(
    10_000,
    'rows',
    'Number of rows in a row group of a Parquet file; a stream holds one group in memory.',
  ),
  maximumOpenExplanations: fixed(
    1,
    'explanations',
    'Maximum number of explanations made at the same time; further requests get 503.',
  ),
  keptExplanations: fixed(16, 'explanations', 'Maximum number of explanations cached in memory.'),
  maximumExplanationTokens: fixed(100, 'tokens', 'Maximum number of tokens of one feature in an explanation.'),
  defaultExplanationTokens: fixed(
    20,
    'tokens',
    'Number of tokens of one feature in an explanation if no `limit` is given.',
  ),
  maximumOpenLifts: fixed(2, 'lifts', 'Maximum number of lifts computed at the same time; further requests get 503.'),
  overlapStepUsers: fixed(
    1_000,
    'users',
    'Width of the ranges that keys of scope `read` get for overlaps; ranks are rounded down to multiples of it.',
  ),
  maximumOpenModels: fixed(
    1,
    'models',
    'Maximum number of customised models built or sent at the same time; further requests get 503. Each of ' +
      'these models is held entirely in memory.',
  ),
  modelChunkBytes: fixed(1024 * 1024, 'bytes', 'Bytes of a customised model sent in one chunk (1 MiB).'),
  modelChunkMs: fixed(
    15_000,
    'ms',
    'Milliseconds that a client may take for one chunk of a customised model before the connection is closed.',
  ),
};
