/** Reads the members of an audience as a page or as a stream. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Audience } from '../../domain/types.ts';
import { CSV_TYPE, JSON_TYPE, NDJSON_TYPE, PARQUET_TYPE } from '../../lib/media-types.ts';
import type { ShownUsers } from '../../service/ports/populations.ts';
import type { Encoding, HeldRanking, ReadRanking, TextType } from '../../service/ports/rankings.ts';
import type { ServerDependencies } from '../dependencies.ts';
import { acceptsGzip, negotiate } from '../plugins/accept.ts';
import { sendPage } from '../plugins/compression.ts';
import { erasureTag, isMatch, REVALIDATE, sendNotModified } from '../plugins/preconditions.ts';
import { usersShownBy } from '../user-sets/identifiers.ts';
import type { ViewQuery } from './queries.ts';
import { streamChunks } from './stream/stream.ts';
import type { StreamSlot, StreamSlots } from './stream/stream-slots.ts';
import {
  type AudiencePosition,
  activeNow,
  checkPopulation,
  encodeMembers,
  locate,
  openFound,
  type View,
  viewOf,
} from './view.ts';

type Query = ViewQuery & {
  readonly limit?: number | undefined;
  readonly cursor?: string | undefined;
  readonly csv_safe: boolean;
} & Parameters<typeof usersShownBy>[0];

/** An audience with its open ranking, and the part of the ranking to return. */
interface OpenAudience {
  readonly audience: Audience;
  readonly ranking: ReadRanking;
  readonly view: View;
  /** The identifiers to show instead of user ids; null for user ids. */
  readonly users: ShownUsers | null;
}

interface ShownAudience extends Pick<OpenAudience, 'audience' | 'view'> {
  /** Number of users who are omitted because they have no identifier; null if user ids are shown. */
  readonly leftOut: number | null;
}

/** An opened audience that does not change until `close`. */
type HeldAudience = HeldRanking<OpenAudience>;

/** Creates the function that responds with the members of `version`, or of the active version if `version` is null. */
export function createReader(dependencies: ServerDependencies, streams: StreamSlots) {
  const { config, store, rankings, reads, population, encoder } = dependencies;

  return async (
    { id, version }: { readonly id: string; readonly version: number | null },
    request: FastifyRequest,
    query: Query,
    reply: FastifyReply,
  ): Promise<FastifyReply> => {
    const type = negotiate(request, [JSON_TYPE, NDJSON_TYPE, CSV_TYPE, PARQUET_TYPE]);
    const gzip = type !== PARQUET_TYPE && acceptsGzip(request);
    const isSafe = type === CSV_TYPE && query.csv_safe;
    const found = await locate(store, id, version, query.cursor);
    const find = async (): Promise<AudiencePosition> =>
      version === null && found.cursor === null
        ? { audience: await activeNow(store, id), cursor: null }
        : await locate(store, id, version, query.cursor);
    // the tag is computed before the members are read, so that erasing a user during the read changes the tag of the
    // next response
    const shownUsers = query.identifier === undefined ? null : usersShownBy(query, population);
    const shown = query.identifier === undefined ? '' : `-${query.identifier}-${query.rule}-${population.version}`;
    const format = `${NAMES[type]}${isSafe ? '-safe' : ''}${gzip ? '-gzip' : ''}`;
    const representation = `${format}${shown}${erasureTag(population)}`;
    const known = validatorsOf(found.audience, representation);
    if (isMatch(request.headers['if-none-match'], known.etag)) return sendNotModified(reply.headers(known));
    const answer = ({ audience, view, leftOut }: ShownAudience, next: string | null) => {
      reply.headers({
        ...validatorsOf(audience, representation),
        'x-audience-size': view.to - view.from,
        'x-audience-candidates': audience.candidates,
        ...(next === null ? {} : { 'x-next-cursor': next }),
        ...(leftOut === null ? {} : { 'x-without-identifier': leftOut }),
      });
      return reply.type(CONTENT_TYPES[type]);
    };
    const open = (at: AudiencePosition, ranking: ReadRanking): OpenAudience => {
      checkPopulation(dependencies, at.audience, ranking);
      return { audience: at.audience, ranking, view: viewOf(at, ranking, query), users: shownUsers };
    };
    if (type === PARQUET_TYPE || (type !== JSON_TYPE && query.limit === undefined)) {
      const slot = streams.take(request);
      const { opened, close } = await holdForStream(slot, rankings, open, async (use) => openFound(found, find, use));
      const { audience, view } = opened;
      const end = Math.min(view.to, view.next + (query.limit ?? view.to));
      const leftOut = await countLeftOut(opened, end, dependencies).catch((error: unknown) => {
        close();
        throw error;
      });
      const encoding = encodingOf(type, isSafe, config);
      const chunks = encoder.encode(encoding, blocksOf(opened, end, dependencies), streams.turn);
      if (gzip) reply.header('content-encoding', 'gzip');
      return answer({ audience, view, leftOut }, nextCursor(audience, view, end)).send(
        streamChunks(chunks, { gzip, limits: config, slot }, close),
      );
    }

    const limit = query.limit ?? config.defaultPageSize;
    const read = await openFound(found, find, (at) => {
      // only members of active audiences may be cached in memory
      const use = { audience: at.audience.isActive ? at.audience : undefined, users: limit };
      return rankings.use(at.audience.folder, (ranking) => readPage(open(at, ranking), limit, dependencies), use);
    });
    const next = nextCursor(read.audience, read.view, read.view.next + limit);
    if (type !== JSON_TYPE) return sendPage(answer(read, next), reads.memberText(type, isSafe, read.items), gzip);
    const { audience, view } = read;
    const counts = `"size":${view.to - view.from},"candidates":${audience.candidates},"version":${audience.version}`;
    const page = reads.memberJson(read.items, `"next_cursor":${JSON.stringify(next)},${counts}`);
    return sendPage(answer(read, null), page, gzip);
  };
}

/** Reads a page of up to `limit` members, from the start of the view. */
function readPage(
  { audience, ranking, view, users }: OpenAudience,
  limit: number,
  { population: { directory }, reads }: ServerDependencies,
) {
  const range = { size: view.to, holdout: audience.holdout, fromRank: view.next, limit };
  const items = reads.pageOf(ranking, users ?? directory, range);
  const leftOut = users === null ? null : reads.pageOf(ranking, directory, range).ranks.length - items.ranks.length;
  return { audience, view, items, leftOut };
}

/** Counts the users of a stream, up to rank `end`, who have no identifier; null if user ids are shown. */
async function countLeftOut(
  { audience: { holdout }, ranking, view, users }: OpenAudience,
  end: number,
  { population: { directory }, reads }: ServerDependencies,
): Promise<number | null> {
  if (users === null) return null;
  return reads.countLeftOut(ranking, { from: view.next, size: end, holdout }, directory, users);
}

/**
 * Opens an audience for a stream. The stream's slot and the ranking's file descriptors are held until `close`.
 */
async function holdForStream(
  slot: StreamSlot,
  rankings: ServerDependencies['rankings'],
  open: (at: AudiencePosition, ranking: ReadRanking) => OpenAudience,
  openFirst: (use: (at: AudiencePosition) => Promise<HeldAudience>) => Promise<HeldAudience>,
): Promise<HeldAudience> {
  try {
    const { opened, close } = await openFirst((at) =>
      rankings.hold(at.audience.folder, (ranking) => open(at, ranking)),
    );
    const closeBoth = () => {
      close();
      slot.release();
    };
    return { opened, close: closeBoth };
  } catch (error) {
    slot.release();
    throw error;
  }
}

function encodingOf(
  type: TextType | typeof PARQUET_TYPE,
  isSafe: boolean,
  { parquetRowGroupRows: rowGroupRows }: ServerDependencies['config'],
): Encoding {
  return type === PARQUET_TYPE ? { rows: 'members', type, rowGroupRows } : { rows: 'members', type, isSafe };
}

/** The blocks of a stream, from the start of the view to rank `end`. */
function blocksOf(
  { audience, ranking, view, users }: OpenAudience,
  end: number,
  { config, population, reads }: ServerDependencies,
) {
  const { holdout } = audience;
  const range = { size: end, holdout, fromRank: view.next, blockSize: config.streamChunkRows };
  return reads.memberBlocks(ranking, users ?? population.directory, range);
}

/** The cursor of the page that starts at the 0-based rank `end`; null after the last page. */
function nextCursor({ campaignId, version }: Audience, { from, to }: View, end: number): string | null {
  return end < to ? encodeMembers(campaignId, { audienceVersion: version, size: to, from, afterRank: end }) : null;
}

function validatorsOf({ version }: Audience, representation: string) {
  return {
    vary: 'accept, accept-encoding',
    etag: `"${version}-${representation}"`,
    'cache-control': REVALIDATE,
    'x-audience-version': version,
  };
}

/** The part of the ETag that depends on the representation. */
const NAMES = { [JSON_TYPE]: 'json', [NDJSON_TYPE]: 'ndjson', [CSV_TYPE]: 'csv', [PARQUET_TYPE]: 'parquet' } as const;

const CONTENT_TYPES = {
  [JSON_TYPE]: `${JSON_TYPE}; charset=utf-8`,
  [NDJSON_TYPE]: `${NDJSON_TYPE}; charset=utf-8`,
  [CSV_TYPE]: `${CSV_TYPE}; charset=utf-8`,
  [PARQUET_TYPE]: PARQUET_TYPE,
} as const;
