/** The cost of one block of an export: on the event loop, which gathers it, and in the thread, which encodes it. */

import { openRanking } from '../../src/audience/ranking.ts';
import { createEncoder, type Encoding } from '../../src/audience/stream/block-encoding.ts';
import { type MemberBlock, memberBlocks } from '../../src/audience/stream/member-blocks.ts';
import { writeRanking } from '../../src/audience/write-ranking.ts';
import { DEFAULT_SERVER_CONFIG } from '../../src/http/config.ts';
import { CSV_TYPE, NDJSON_TYPE, PARQUET_TYPE } from '../../src/lib/media-types.ts';
import { createRng } from '../../src/lib/rng.ts';
import type { Population } from '../../src/population/read.ts';
import { FileBlobs } from '../../src/storage/files/blobs.ts';
import { PromisedBlobs } from '../../src/storage/files/promised-blobs.ts';
import { type Figure, figure } from './report.ts';

const { streamChunkRows, parquetRowGroupRows } = DEFAULT_SERVER_CONFIG;
const TEXT = { rows: 'members', isSafe: false } as const;
const ENCODINGS: Readonly<Record<string, Encoding>> = {
  NDJSON: { ...TEXT, type: NDJSON_TYPE },
  CSV: { ...TEXT, type: CSV_TYPE },
  Parquet: { rows: 'members', type: PARQUET_TYPE, rowGroupRows: parquetRowGroupRows },
};

/** Measures processor time, which other work on the machine hardly affects; it includes the garbage collector's. */
export async function benchSlices(
  folder: string,
  { directory }: Pick<Population, 'directory'>,
): Promise<Record<string, Figure>> {
  const blobs = new PromisedBlobs(new FileBlobs('/'));
  const rng = createRng('export slices');
  const scores = Float32Array.from({ length: directory.size }, () => rng.uniform());
  await writeRanking(blobs, folder, scores);
  const results: Record<string, Figure> = {};
  const ranking = await openRanking(blobs, folder);
  const note = (name: string, times: readonly number[]) => {
    const sorted = [...times].sort((a, b) => a - b);
    results[`${name}, median`] = figure([sorted[sorted.length >> 1]!], 'ms');
    results[`${name}, longest of ${times.length}`] = figure([sorted.at(-1)!], 'ms');
  };
  for (const [name, encoding] of Object.entries(ENCODINGS)) {
    const blocks = memberBlocks(ranking, directory, { size: ranking.candidates, blockSize: streamChunkRows });
    const encoder = createEncoder(encoding);
    const gathered: number[] = [];
    const encoded: number[] = [];
    for (;;) {
      let block: MemberBlock | undefined;
      const gather = async () => {
        block = (await blocks.next()).value ?? undefined;
      };
      const time = await processorMs(gather);
      if (block === undefined) break;
      gathered.push(time);
      const taken = block;
      encoded.push(await processorMs(() => encoder.add(taken)));
    }
    encoded.push(await processorMs(() => encoder.end()));
    note(`a block of ${name} on the event loop`, gathered);
    note(`a block of ${name} in the thread`, encoded);
  }
  ranking.close();
  return results;
}

async function processorMs(work: () => unknown): Promise<number> {
  const before = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1e3;
}
