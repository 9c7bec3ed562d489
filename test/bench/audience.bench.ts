/**
 * Reading audiences of a million users: which of 500 campaigns contain a user, the export of a whole audience, an
 * explanation.
 */

import { linkSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ExplainedPopulation, explain } from '../../src/audience/explanation.ts';
import { openRanking } from '../../src/audience/ranking.ts';
import { RankingCache } from '../../src/audience/ranking-cache.ts';
import type { Encoding } from '../../src/audience/stream/block-encoding.ts';
import { memberBlocks } from '../../src/audience/stream/member-blocks.ts';
import { StreamEncoder } from '../../src/audience/stream/stream-encoder.ts';
import { UserAudiences } from '../../src/audience/user-audiences.ts';
import { writeRanking } from '../../src/audience/write-ranking.ts';
import type { Audience } from '../../src/domain/types.ts';
import { streamChunks } from '../../src/http/audiences/stream/stream.ts';
import { createTurns } from '../../src/http/audiences/stream/stream-turns.ts';
import { createUserAudiences } from '../../src/http/audiences/user-audiences.ts';
import { DEFAULT_SERVER_CONFIG } from '../../src/http/config.ts';
import { CSV_TYPE, NDJSON_TYPE, PARQUET_TYPE } from '../../src/lib/media-types.ts';
import { createRng } from '../../src/lib/rng.ts';
import { TextTable } from '../../src/lib/text/text-table.ts';
import { createDirectory } from '../../src/population/read/directory.ts';
import { SEGMENT_ROWS } from '../../src/population/read/segments.ts';
import type { Column } from '../../src/population/read.ts';
import { FileBlobs } from '../../src/storage/files/blobs.ts';
import { PromisedBlobs } from '../../src/storage/files/promised-blobs.ts';
import { compare } from './measure.ts';

/** By absolute path. */
const BLOBS = new PromisedBlobs(new FileBlobs('/'));
const USERS = 1_000_000;
const CAMPAIGNS = 500;
/** Number of different rankings; the campaigns' folders are links to them. */
const RANKINGS = 4;
const LOOKUPS = 50;
const SIZES = [USERS / 20, USERS / 2];
const FEATURES = 15;

export async function benchAudience(): Promise<readonly string[]> {
  const root = mkdtempSync(join(tmpdir(), 'metaheac-bench-'));
  try {
    const folders = await makeFolders(root);
    return [
      ...(await benchLookups(folders)),
      ...(await benchExports(folders[0]!)),
      await benchExplanation(folders[0]!),
    ];
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

async function makeFolders(root: string): Promise<string[]> {
  const rng = createRng('bench audience');
  const bases = Array.from({ length: RANKINGS }, (_, i) => join(root, `base-${i}`));
  for (const base of bases)
    await writeRanking(
      BLOBS,
      base,
      Float32Array.from({ length: USERS }, () => (rng.integer(100) === 0 ? Number.NaN : rng.uniform())),
    );
  return Array.from({ length: CAMPAIGNS }, (_, i) => {
    const folder = join(root, `campaign-${i}`);
    mkdirSync(folder);
    for (const file of ['scores.f32', 'order.u32', 'ranking.json'])
      linkSync(join(bases[i % RANKINGS]!, file), join(folder, file));
    return folder;
  });
}

async function benchLookups(folders: readonly string[]): Promise<string[]> {
  const lines: string[] = [];
  for (const size of SIZES) {
    const audiences = folders.map((folder, i) => ({ campaignId: `${i}`, version: 1, folder, size }) as Audience);
    const ways = [64, 1024].map((openRankings) => {
      const rankings = new RankingCache(BLOBS, { openRankings, memoryBytes: 64 * 1024 * 1024 });
      const times: number[] = [];
      const userAudiences = new UserAudiences({ activeAudiences: async () => audiences }, rankings);
      const find = createUserAudiences({ userAudiences });
      const run = async () => {
        for (let i = 0; i < LOOKUPS; i++) {
          const start = performance.now();
          await find((i * 7919 * 31) % USERS, { limit: CAMPAIGNS });
          times.push(performance.now() - start);
        }
      };
      return { rankings, times, run };
    });
    const { ratios } = await compare(
      2,
      ways.map(({ run }) => run),
    );
    const [few, all] = ways.map(({ times }) => quantilesOf(times.slice(LOOKUPS)));
    for (const { rankings } of ways) rankings.closeAll();
    lines.push(
      `who holds a user among ${CAMPAIGNS} audiences of ${size}: ${all}, with 64 rankings open ${few}: ` +
        `${ratios[1]!.toFixed(1)} times as fast`,
    );
  }
  return lines;
}

function quantilesOf(times: readonly number[]): string {
  const sorted = [...times].sort((a, b) => a - b);
  const at = (share: number) => sorted[Math.floor(share * (sorted.length - 1))]!.toFixed(2);
  return `${at(0.5)} ms (p95 ${at(0.95)}, p99 ${at(0.99)})`;
}

async function benchExports(folder: string): Promise<string[]> {
  const ranking = await openRanking(BLOBS, folder);
  const table = new TextTable();
  for (let user = 0; user < USERS; user++) table.add(`user-${user * 7919}`, 32);
  const ids = createDirectory(table, { has: () => false });
  const encoder = new StreamEncoder();
  const turn = createTurns(() => performance.now());
  const open = (encoding: Encoding, gzip: boolean) => () => {
    const blocks = memberBlocks(ranking, ids, { size: ranking.candidates, blockSize: 2_000 });
    return streamChunks(encoder.encode(encoding, blocks, turn), { gzip, limits: DEFAULT_SERVER_CONFIG }, () => {});
  };
  const text = { rows: 'members', isSafe: false } as const;
  const formats = {
    NDJSON: open({ ...text, type: NDJSON_TYPE }, false),
    'NDJSON with gzip': open({ ...text, type: NDJSON_TYPE }, true),
    CSV: open({ ...text, type: CSV_TYPE }, false),
    Parquet: open({ rows: 'members', type: PARQUET_TYPE, rowGroupRows: 10_000 }, false),
  };
  await open({ ...text, type: CSV_TYPE }, false)()
    .take(1)
    .toArray(); // starts the thread
  const lines: string[] = [];
  for (const [name, open] of Object.entries(formats)) {
    const before = process.memoryUsage.rss();
    const start = performance.now();
    let bytes = 0;
    let most = before;
    for await (const chunk of open()) {
      bytes += (chunk as Buffer).length;
      most = Math.max(most, process.memoryUsage.rss());
    }
    const seconds = (performance.now() - start) / 1000;
    const mib = (count: number) => (count / 2 ** 20).toFixed(0);
    lines.push(
      `${ranking.candidates} members as ${name}: ${seconds.toFixed(2)} s, ` +
        `${Math.round(ranking.candidates / seconds / 1000)}k members/s, ` +
        `${mib(bytes)} MiB; ${mib(most - before)} MiB of memory more than before`,
    );
  }
  await encoder.close();
  ranking.close();
  return lines;
}

async function benchExplanation(folder: string): Promise<string> {
  const ranking = await openRanking(BLOBS, folder);
  const start = performance.now();
  const { features } = await explain(syntheticPopulation(), { ranking, size: USERS / 20 }, new Set([1, 2, 3]), {
    tokens: 100,
    minimumGroupUsers: 100,
    minimumDisparityPercent: 80,
  });
  ranking.close();
  const seconds = (performance.now() - start) / 1000;
  return `explanation of ${USERS} users with ${features.length} features: ${seconds.toFixed(2)} s (segments in memory)`;
}

/** One segment, repeated: five lists of up to 10 of 100,000 tokens, and single values of 5 to 5,000. */
function syntheticPopulation(): ExplainedPopulation {
  const rng = createRng('bench explanation');
  const names = Array.from({ length: FEATURES }, (_, i) => `feature-${i}`);
  const columns = new Map<string, Column>(names.map((name, i) => [name, i % 3 === 0 ? listColumn() : singleColumn(i)]));
  function listColumn(): Column {
    const offsets = new Int32Array(SEGMENT_ROWS + 1);
    for (let row = 0; row < SEGMENT_ROWS; row++) offsets[row + 1] = offsets[row]! + rng.integer(10);
    return {
      kind: 'multi',
      offsets,
      codes: Int32Array.from({ length: offsets.at(-1)! }, () => 1 + rng.integer(99_999)),
    };
  }
  function singleColumn(i: number): Column {
    return { kind: 'single', codes: Int32Array.from({ length: SEGMENT_ROWS }, () => rng.integer(5 * 10 ** (i % 4))) };
  }
  return {
    features: names.map((name) => ({ name, kind: columns.get(name)!.kind })),
    rowCount: USERS,
    segmentCount: Math.floor(USERS / SEGMENT_ROWS),
    dictionary: () => ({ size: 100_000, find: () => 0, token: (code) => `token ${code}` }),
    readRows: () => {
      throw new Error('no numbers are among the features');
    },
    readSegment: (index) => ({
      count: SEGMENT_ROWS,
      userNumbers: Int32Array.from({ length: SEGMENT_ROWS }, (_, row) => index * SEGMENT_ROWS + row),
      columns,
    }),
  };
}
