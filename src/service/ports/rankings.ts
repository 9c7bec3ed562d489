/** The services that the audience routes need: open rankings, and functions that read them. */
import type { RankingCache } from '../../audience/ranking-cache.ts';
import type { RANKING_READS } from '../../audience/reads.ts';
import type { StreamEncoder } from '../../audience/stream/stream-encoder.ts';
import type { UserAudiences as AudiencesByUser } from '../../audience/user-audiences.ts';

export type { ArmName } from '../../audience/arms.ts';
export type { Side } from '../../audience/diff.ts';
/** Limits that the server documents in its API. The server itself enforces some of these limits. */
export { RANKING_LIMITS } from '../../audience/limits.ts';
export type { Membership } from '../../audience/membership.ts';
export type { ReadRanking } from '../../audience/ranking.ts';
export type { HeldRanking } from '../../audience/ranking-cache.ts';
export type { Encoding, TextType } from '../../audience/stream/block-encoding.ts';
export type { HeldAudience } from '../../audience/user-audiences.ts';

/** Opens rankings. */
export type Rankings = Pick<RankingCache, 'use' | 'hold'>;

/** Reads from open rankings: positions of users, pages, blocks and differences. */
export type RankingReads = typeof RANKING_READS;

/** Finds the active audiences that contain a user. */
export type UserAudiences = Pick<AudiencesByUser, 'find'>;

/** Encodes blocks as text or Parquet, in a thread. */
export type RowEncoder = Pick<StreamEncoder, 'encode'>;
