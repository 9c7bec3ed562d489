/**
 * Sorts any number of user ids in constant memory by an external merge sort: chunks are sorted, written as runs to one
 * unnamed file, and merged.
 */
import { BlockBuilder, type IdBlock, type IdBlocks, sliceBlock, weightAt } from '../../domain/id-blocks.ts';
import type { BlobWriter, ReadRanges } from '../../domain/ports/blobs.ts';
import { decodeIds, encodeIds, lineBlocks, SEED_FOLDER } from './set-file.ts';

/** Number of ids per run. Sorting a run takes 15 to 60 ms and uses about 4 MB. Ten million ids make 306 runs. */
const CHUNK_IDS = 32_768;
/** Maximum number of characters of features in a run, which may make it shorter. */
const CHUNK_CHARACTERS = 8 * 1024 * 1024;
/** Number of ids per merged block. */
const BLOCK_IDS = 4_096;

/** Bytes read from each run at a time. All runs are open at once, so each run needs this much memory. */
const RUN_READ_BYTES = 16 * 1024;
/** Number of runs whose first blocks are read in one turn of the event loop. */
const OPENED_RUNS = 16;

/** Stores the runs. */
interface RunFiles {
  write(folder: string): RunFile;
}

type RunFile = Pick<BlobWriter, 'write' | 'read' | 'abort'>;

/** The position of a run in the file. */
interface Run {
  readonly start: number;
  readonly end: number;
}

/**
 * Takes ids in any order, including repetitions, and returns the sorted set. If an id is repeated, its last weight and
 * features count. The creator must close the sorter.
 * @throws AppError storage_failed
 */
export class IdSorter {
  readonly #blobs: RunFiles;
  readonly #chunkIds: number;
  readonly #runs: Run[] = [];
  #chunk = new BlockBuilder();
  #chunkCharacters = 0;
  #spill: RunFile | null = null;
  #spilledBytes = 0;
  #received = 0;

  /** `blobs` stores the runs if there is more than one chunk; a chunk has `chunkIds` ids. */
  constructor(blobs: RunFiles, chunkIds = CHUNK_IDS) {
    this.#blobs = blobs;
    this.#chunkIds = chunkIds;
  }

  /** Number of ids added so far, including repetitions. */
  get received(): number {
    return this.#received;
  }

  add(userId: string, weight = 1, features?: string): void {
    this.#received += 1;
    this.#chunk.add(userId, weight, features);
    this.#chunkCharacters += features?.length ?? 0;
    if (this.#chunk.length >= this.#chunkIds || this.#chunkCharacters >= CHUNK_CHARACTERS) this.#flush();
  }

  /** All added ids, without repetitions. Call this once, after the last `add`, and read the result to its end. */
  blocks(): IdBlocks {
    if (this.#spill === null) return cut(sortedSet(this.#chunk.block()));
    if (this.#chunk.length > 0) this.#flush();
    const spill = this.#spill;
    const runs = this.#runs.map(({ start, end }) => runBlocks(spill, start, end));
    return mergeRuns(runs);
  }

  /** Removes the runs. */
  close(): void {
    this.#spill?.abort();
    this.#spill = null;
  }

  #flush(): void {
    const bytes = encodeIds(sortedSet(this.#chunk.block()));
    this.#chunk = new BlockBuilder();
    this.#chunkCharacters = 0;
    this.#spill ??= this.#blobs.write(SEED_FOLDER);
    this.#spill.write(bytes);
    this.#runs.push({ start: this.#spilledBytes, end: this.#spilledBytes + bytes.length });
    this.#spilledBytes += bytes.length;
  }
}

function sortedSet(chunk: IdBlock): IdBlock {
  if (chunk.weights !== undefined || chunk.features !== undefined) {
    const last = new Map(chunk.map((userId, i) => [userId, i]));
    const sorted = new BlockBuilder();
    for (const userId of [...last.keys()].sort()) {
      const at = last.get(userId)!;
      sorted.add(userId, weightAt(chunk, at), chunk.features?.[at]);
    }
    return sorted.block();
  }
  const userIds = chunk.slice().sort();
  let kept = 0;
  for (let i = 0; i < userIds.length; i++) {
    if (i === 0 || userIds[i] !== userIds[kept - 1]) userIds[kept++] = userIds[i]!;
  }
  userIds.length = kept;
  return userIds;
}

function* cut(userIds: IdBlock): Generator<IdBlock, void, void> {
  for (let at = 0; at < userIds.length; at += BLOCK_IDS) yield sliceBlock(userIds, at, at + BLOCK_IDS);
}

function* runBlocks(spill: ReadRanges, start: number, end: number): Generator<IdBlock, void, void> {
  for (const lines of lineBlocks(spill, start, end, RUN_READ_BYTES)) yield decodeIds(lines);
}

/** Reads a run, one id at a time. */
class RunCursor {
  /** The current id; undefined at the end of the run. */
  id: string | undefined;
  weight = 1;
  features: string | undefined;
  readonly #blocks: Iterator<IdBlock>;
  #block: IdBlock = [];
  #at = 0;

  constructor(blocks: IdBlocks) {
    this.#blocks = blocks[Symbol.iterator]();
    this.advance();
  }

  advance(): void {
    while (this.#at === this.#block.length) {
      const next = this.#blocks.next();
      if (next.done) {
        this.id = undefined;
        return;
      }
      this.#block = next.value;
      this.#at = 0;
    }
    this.weight = weightAt(this.#block, this.#at);
    this.features = this.#block.features?.[this.#at];
    this.id = this.#block[this.#at++];
  }
}

/**
 * Merges sorted runs and drops repetitions, with a loser tree (Knuth, TAOCP 3, 5.4.1). Node n of 1 .. k - 1 holds the
 * run that lost there; the leaves are k .. 2k - 1. Each id costs log2(k) comparisons, half as many as with a heap. A
 * repeated id gets its weight and features from the last run that contains it.
 */
function* mergeRuns(runs: readonly IdBlocks[]): Generator<IdBlock, void, void> {
  const cursors: RunCursor[] = [];
  for (const run of runs) {
    cursors.push(new RunCursor(run));
    if (cursors.length % OPENED_RUNS === 0) yield [];
  }
  const count = cursors.length;
  const losers = new Int32Array(count).fill(-1);
  let winner = -1;
  const play = (from: number): void => {
    winner = from;
    for (let node = (from + count) >> 1; node >= 1; node >>= 1) {
      const other = losers[node]!;
      if (other < 0) {
        // while the tree is being filled, the first run to reach a node waits for its opponent
        losers[node] = winner;
        winner = -1;
        return;
      }
      if (isBefore(cursors[other]!.id, cursors[winner]!.id)) {
        losers[node] = winner;
        winner = other;
      }
    }
  };
  for (let run = 0; run < count; run++) play(run);
  let block = new BlockBuilder();
  let last: string | undefined;
  let lastRun = -1;
  for (;;) {
    const cursor = cursors[winner]!;
    const { id } = cursor;
    if (id === undefined) break;
    if (id !== last) {
      if (block.length === BLOCK_IDS) {
        yield block.block();
        block = new BlockBuilder();
      }
      last = id;
      lastRun = winner;
      block.add(id, cursor.weight, cursor.features);
    } else if (winner > lastRun) {
      lastRun = winner;
      block.replaceLast(cursor.weight, cursor.features);
    }
    cursor.advance();
    play(winner);
  }
  if (block.length > 0) yield block.block();
}

/** A run that has ended sorts after all ids. */
function isBefore(a: string | undefined, b: string | undefined): boolean {
  return a !== undefined && (b === undefined || a < b);
}
