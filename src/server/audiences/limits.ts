/** Limits of reading audiences, explanations and customised models. */
import type { LimitRows, LimitValues } from '../limit.ts';

export const AUDIENCE_LIMITS = {
  retainedVersions: {
    default: 10,
    unit: 'versions',
    published: true,
    description: 'Audience versions of a campaign that are kept beside the active one.',
  },
  retainedDays: {
    default: 30,
    unit: 'days',
    published: true,
    description: 'Days for which these are kept.',
  },
  openRankings: {
    default: 1_024,
    unit: 'rankings',
    published: true,
    most: 10_000,
    description: 'Rankings kept open for look-ups (two descriptors and 36 KiB each); set no fewer than campaigns.',
  },
  maximumPageSize: {
    default: 10_000,
    unit: 'users',
    published: true,
    description: 'Users of one page of an audience.',
  },
  defaultPageSize: {
    default: 1_000,
    unit: 'users',
    description: 'Users of a page of an audience where no `limit` is given.',
  },
  maximumBatchMembers: {
    default: 1_000,
    unit: 'users',
    published: true,
    description: 'Users of one batch of membership look-ups.',
  },
  maximumVersionPageSize: {
    default: 200,
    unit: 'versions',
    description: 'Audience versions of one page.',
  },
  defaultVersionPageSize: {
    default: 50,
    unit: 'versions',
    description: 'Audience versions of a page where no `limit` is given.',
  },
  maximumUserAudiencePageSize: {
    default: 1_000,
    unit: 'audiences',
    description: 'Audiences of a user in one page.',
  },
  defaultUserAudiencePageSize: {
    default: 1_000,
    unit: 'audiences',
    description: 'Audiences of a user in a page where no `limit` is given.',
  },
  streamChunkRows: {
    default: 2_000,
    unit: 'rows',
    description: 'Rows that a stream of an audience reads, formats and sends at once.',
  },
  parquetRowGroupRows: {
    default: 10_000,
    unit: 'rows',
    description: "Rows of a Parquet file's row group: what such a stream holds in memory.",
  },
  maximumOpenExplanations: {
    default: 1,
    unit: 'explanations',
    description: 'Explanations that are made at one time; one more is answered 503.',
  },
  keptExplanations: {
    default: 16,
    unit: 'explanations',
    description: 'Explanations that are kept in memory.',
  },
  maximumExplanationTokens: {
    default: 100,
    unit: 'tokens',
    description: 'Tokens of one feature in an explanation.',
  },
  defaultExplanationTokens: {
    default: 20,
    unit: 'tokens',
    description: 'Tokens of one feature in an explanation where no `limit` is given.',
  },
  minimumDisparityGroupUsers: {
    default: 100,
    unit: 'users',
    description: 'Users that a group of a sensitive feature needs in the population to be compared.',
  },
  minimumDisparityPercent: {
    default: 80,
    unit: 'percent',
    description: 'Per cent of the highest selection rate below which the lowest has a warning (the four-fifths rule).',
  },
  maximumOpenModels: {
    default: 1,
    unit: 'models',
    description: 'Customised models made or sent at one time, each whole in memory; one more is answered 503.',
  },
  modelChunkBytes: {
    default: 1024 * 1024,
    unit: 'bytes',
    description: 'Bytes of a customised model that are sent at once (1 MiB).',
  },
  modelChunkMs: {
    default: 15_000,
    unit: 'ms',
    description: 'Milliseconds that a client may take for one of these chunks before it is cut off.',
  },
} as const satisfies LimitRows;

export type AudienceLimits = LimitValues<typeof AUDIENCE_LIMITS>;
