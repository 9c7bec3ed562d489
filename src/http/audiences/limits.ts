/** Limits of reading audiences, explanations and customised models. */
import type { LimitRows, LimitValues } from '../limit.ts';

export const AUDIENCE_LIMITS = {
  retainedVersions: {
    default: 10,
    unit: 'versions',
    published: true,
    description: 'Audience versions of a campaign that are kept in addition to the active one.',
  },
  retainedDays: {
    default: 30,
    unit: 'days',
    published: true,
    description: 'Days for which these versions are kept.',
  },
  openRankings: {
    default: 1_024,
    unit: 'rankings',
    published: true,
    most: 10_000,
    description:
      'Rankings kept open for look-ups (two descriptors and 36 KiB each); should be at least the number of ' +
      'campaigns.',
  },
  rankingMemoryBytes: {
    default: 512 * 1024 * 1024,
    unit: 'bytes',
    description:
      'Bytes of members that are kept in memory for audiences that are looked up often: 8 a member and .27 a user of ' +
      'the population, each (512 MiB: some 800 audiences of 50,000 of a million users).',
  },
  maximumPageSize: {
    default: 10_000,
    unit: 'users',
    published: true,
    description: 'Users in one page of an audience.',
  },
  defaultPageSize: {
    default: 1_000,
    unit: 'users',
    description: 'Users in a page of an audience if no `limit` is given.',
  },
  maximumBatchMembers: {
    default: 1_000,
    unit: 'users',
    published: true,
    description: 'Users in one batch of membership look-ups.',
  },
  maximumVersionPageSize: {
    default: 200,
    unit: 'versions',
    description: 'Audience versions in one page.',
  },
  defaultVersionPageSize: {
    default: 50,
    unit: 'versions',
    description: 'Audience versions in a page if no `limit` is given.',
  },
  maximumUserAudiencePageSize: {
    default: 1_000,
    unit: 'audiences',
    description: 'Audiences of a user in one page.',
  },
  defaultUserAudiencePageSize: {
    default: 1_000,
    unit: 'audiences',
    description: 'Audiences of a user in a page if no `limit` is given.',
  },
  streamChunkRows: {
    default: 2_000,
    unit: 'rows',
    description: 'Rows that an audience stream reads, formats and sends at once.',
  },
  parquetRowGroupRows: {
    default: 10_000,
    unit: 'rows',
    description: 'Rows in a row group of a Parquet file, which such a stream holds in memory.',
  },
  maximumOpenExplanations: {
    default: 1,
    unit: 'explanations',
    description: 'Explanations made at the same time; one more gets 503.',
  },
  keptExplanations: {
    default: 16,
    unit: 'explanations',
    description: 'Explanations cached in memory.',
  },
  maximumExplanationTokens: {
    default: 100,
    unit: 'tokens',
    description: 'Tokens of one feature in an explanation.',
  },
  defaultExplanationTokens: {
    default: 20,
    unit: 'tokens',
    description: 'Tokens of one feature in an explanation if no `limit` is given.',
  },
  minimumDisparityGroupUsers: {
    default: 100,
    unit: 'users',
    description: 'Users in the population that a group of a sensitive feature needs to be compared.',
  },
  minimumDisparityPercent: {
    default: 80,
    unit: 'percent',
    description:
      'Percentage of the highest selection rate below which the lowest gets a warning (the four-fifths rule).',
  },
  maximumOpenModels: {
    default: 1,
    unit: 'models',
    description: 'Customised models built or sent at the same time, each entirely in memory; one more gets 503.',
  },
  modelChunkBytes: {
    default: 1024 * 1024,
    unit: 'bytes',
    description: 'Bytes of a customised model sent in one chunk (1 MiB).',
  },
  modelChunkMs: {
    default: 15_000,
    unit: 'ms',
    description: 'Milliseconds that a client may take for one of these chunks before the connection is closed.',
  },
} as const satisfies LimitRows;

export type AudienceLimits = LimitValues<typeof AUDIENCE_LIMITS>;
