/** Merges the parts of a ranking into a ranking folder, with the bytes that `writeRanking` would write. */
import { createHash } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import type { Blobs, BlobWriter } from '../../domain/ports/blobs.ts';
import { encodeSidecar, ORDER_FILE, SCORES_FILE, SIDECAR_FILE } from '../format.ts';
import { keyOf, sortByKeys } from '../order.ts';
import { RunningSums, type Sums } from '../sums.ts';
import type { WrittenRanking } from '../write-ranking.ts';
import { EntryReader, type ErasedUsers, RankingPart } from './ranking-part.ts';
import { sliceEnds } from './slices.ts';
import { ENTRY_BYTES, NARROW_USERS } from './write-part.ts';

/** Limits of a merge's memory. */
export interface MergeLimits {
  /** Maximum number of candidates that are sorted at once; they take 16 bytes each. */
  readonly sliceUsers: number;
  /** Number of users whose scores are collected at once, before the sorts; they take 4 bytes each. */
  readonly windowUsers: number;
  /** Memory for the buffers through which all parts are read. */
  readonly bufferBytes: number;
}

/** 16 MiB for a slice or a window of scores, and 16 MiB for buffers. */
export const MERGE_LIMITS: MergeLimits = {
  sliceUsers: 2 ** 20,
  windowUsers: NARROW_USERS,
  bufferBytes: 2 ** 24,
};

/** A buffer is never smaller than this number of entries (4 KiB). */
const LEAST_BUFFER_ENTRIES = 512;

export interface Merge {
  /** The folders of the parts. No user is in two parts. */
  readonly parts: readonly string[];
  /** Number of entries of the file of scores. */
  readonly users: number;
  /** Users who are left out of the ranking, although a part may contain them. */
  readonly erased: Pick<ErasedUsers, 'has'>;
  /** Additional files by name, which ranking readers ignore. */
  readonly beside: ReadonlyMap<string, NodeJS.ArrayBufferView>;
  /** Called between slices; an exception ends the merge. */
  readonly onTurn?: () => void;
}

/**
 * Merges parts into the folder `to`, which must not exist yet: other than `writeRanking`, the files appear one after
 * the other. When the promise resolves, the folder is durable. The memory does not depend on the number of candidates,
 * apart from histograms (at most 512 KiB per part) and checksums (0.25 bytes per 1,000 users). Other work runs between
 * slices. Rejects with AppError storage_failed, and with any error that `onTurn` throws, after the incomplete folder
 * was removed.
 */
export async function mergeParts(
  blobs: Blobs,
  to: string,
  merge: Merge,
  limits: MergeLimits = MERGE_LIMITS,
): Promise<WrittenRanking> {
  const parts: RankingPart[] = [];
  try {
    for (const folder of merge.parts) parts.push(await RankingPart.open(blobs, folder));
    const memory = new ArrayBuffer(workingBytes(parts, merge, limits));
    const work = { parts, merge, limits, memory };
    const scores = await publish(blobs, to, SCORES_FILE, (writer) => writeScores(writer, work));
    const order = await publish(blobs, to, ORDER_FILE, (writer) => writeOrder(writer, work));
    const { candidates } = order;
    const sidecar = encodeSidecar({ users: merge.users, candidates }, { scores: scores.sums, order: order.sums });
    for (const [file, data] of [...merge.beside, [SIDECAR_FILE, sidecar] as const])
      await publish(blobs, to, file, async (writer) => writer.write(data));
    return { candidates, sha256: { scores: scores.sha256, order: order.sha256 } };
  } catch (error) {
    await blobs.delete(to).catch(() => {}); // the first error says what happened
    throw error;
  } finally {
    for (const part of parts) part.close();
  }
}

async function publish<T>(
  blobs: Blobs,
  folder: string,
  file: string,
  write: (writer: BlobWriter) => Promise<T>,
): Promise<T> {
  const writer = blobs.write(folder);
  try {
    const result = await write(writer);
    await (await writer.finish()).publish(file);
    return result;
  } catch (error) {
    writer.abort();
    throw error;
  }
}

interface Work {
  readonly parts: readonly RankingPart[];
  readonly merge: Merge;
  readonly limits: MergeLimits;
  /** Memory for a window of scores, and then for a slice of the order. */
  readonly memory: ArrayBuffer;
}

function candidatesOf(parts: readonly RankingPart[]): number {
  return parts.reduce((sum, { counts }) => sum + counts.candidates, 0);
}

function workingBytes(parts: readonly RankingPart[], { users }: Merge, limits: MergeLimits): number {
  const window = Math.min(users, limits.windowUsers) * Float32Array.BYTES_PER_ELEMENT;
  return Math.max(window, Slice.bytesFor(Math.min(candidatesOf(parts), limits.sliceUsers)));
}

interface WrittenSums {
  readonly sums: Sums;
  readonly sha256: string;
}

/** Writes the scores by user number, one window of users after the other. */
async function writeScores(
  writer: BlobWriter,
  { parts, merge: { users, erased, onTurn = () => {} }, limits: { windowUsers }, memory }: Work,
): Promise<WrittenSums> {
  const sums = new RunningSums(users * Float32Array.BYTES_PER_ELEMENT);
  const hash = createHash('sha256');
  for (let first = 0; first < users; first += windowUsers) {
    onTurn();
    const window = new Float32Array(memory, 0, Math.min(windowUsers, users - first)).fill(Number.NaN);
    for (const part of parts) await part.copyScores(window, first);
    for (let i = 0; i < window.length; i++) if (erased.has(first + i)) window[i] = Number.NaN;
    sums.add(window);
    hash.update(window);
    writer.write(window);
    await setImmediate();
  }
  return { sums: sums.end(), sha256: hash.digest('hex') };
}

/** Writes the user numbers by rank, one slice of the order after the other. */
async function writeOrder(
  writer: BlobWriter,
  { parts, merge: { erased, onTurn = () => {} }, limits: { sliceUsers, bufferBytes }, memory }: Work,
): Promise<WrittenSums & { readonly candidates: number }> {
  const all = candidatesOf(parts);
  const sums = new RunningSums(all * Uint32Array.BYTES_PER_ELEMENT);
  const hash = createHash('sha256');
  const sorted = inOrderOfUsers(parts);
  const bufferEntries = Math.max(LEAST_BUFFER_ENTRIES, Math.floor(bufferBytes / ENTRY_BYTES / (parts.length + 1)));
  const readers = sorted.parts.map((part) => new EntryReader(part, bufferEntries));
  const slice = new Slice(memory, Math.min(all, sliceUsers), sorted.isDisjoint);
  let candidates = 0;
  for await (const end of sliceEnds(parts, { limit: sliceUsers, bufferEntries })) {
    onTurn();
    for (const reader of readers) await reader.takeUntil(end, (entries) => slice.add(entries, erased));
    const users = slice.take();
    candidates += users.length;
    sums.add(users);
    hash.update(users);
    writer.write(users);
    await setImmediate();
  }
  return { candidates, sums: sums.end(), sha256: hash.digest('hex') };
}

/**
 * The parts in order of their first users, and whether no part begins before the one before it ends. Entries with equal
 * keys are then in order of their users, part by part.
 */
function inOrderOfUsers(parts: readonly RankingPart[]): {
  readonly parts: readonly RankingPart[];
  readonly isDisjoint: boolean;
} {
  const sorted = parts
    .filter(({ counts }) => counts.candidates > 0)
    .sort((a, b) => a.counts.firstUser - b.counts.firstUser);
  const isDisjoint = sorted.every(({ counts }, i) => i === 0 || sorted[i - 1]!.counts.lastUser < counts.firstUser);
  return { parts: sorted, isDisjoint };
}

/** The entries of a slice, collected part by part and then sorted. */
class Slice {
  readonly #keys: Uint32Array;
  readonly #users: Uint32Array;
  readonly #spare: readonly [Uint32Array, Uint32Array];
  /** Whether entries with equal keys are added in order of their users. */
  readonly #isByUser: boolean;
  #count = 0;

  /** Takes `bytesFor(capacity)` bytes of the memory. */
  constructor(memory: ArrayBuffer, capacity: number, isByUser: boolean) {
    const array = (number: number) =>
      new Uint32Array(memory, number * capacity * Uint32Array.BYTES_PER_ELEMENT, capacity);
    this.#keys = array(0);
    this.#users = array(1);
    this.#spare = [array(2), array(3)];
    this.#isByUser = isByUser;
  }

  static bytesFor(capacity: number): number {
    return 4 * capacity * Uint32Array.BYTES_PER_ELEMENT;
  }

  add(entries: Uint32Array, erased: Pick<ErasedUsers, 'has'>): void {
    let count = this.#count;
    for (let i = 0; i < entries.length; i += 2) {
      const user = entries[i]!;
      if (erased.has(user)) continue;
      this.#users[count] = user;
      this.#keys[count] = keyOf(entries[i + 1]!);
      count += 1;
    }
    this.#count = count;
  }

  /** The users in the ranking's order; valid until the next call of `add`. Empties the slice. */
  take(): Uint32Array {
    const count = this.#count;
    this.#count = 0;
    const keys = this.#keys.subarray(0, count);
    const users = this.#users.subarray(0, count);
    const spare = [this.#spare[0].subarray(0, count), this.#spare[1].subarray(0, count)] as const;
    if (!this.#isByUser) sortByKeys(users, keys, spare);
    sortByKeys(keys, users, spare);
    return users;
  }
}
