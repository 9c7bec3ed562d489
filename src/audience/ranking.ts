/** Reads ranges of a ranking from its files. No file is read into memory as a whole. */
import type { BlobReader, OpenBlob } from '../domain/ports/blobs.ts';
import type { UserNumber } from '../lib/brands.ts';
import { type AppError, assert } from '../lib/errors.ts';
import { type Cut, cutAt } from './cut.ts';
import {
  assertLittleEndian,
  checkSize,
  damaged,
  decodeSidecar,
  isDamage,
  ORDER_FILE,
  SCORES_FILE,
  SIDECAR_FILE,
} from './format.ts';
import type { IndexedRanking, MemberIndex } from './member-index.ts';
import { CheckedBlob, type Sums } from './sums.ts';

/** Number of ranks at which the binary search stops. The remaining ranks are read at once (4 KiB). */
const BLOCK_RANKS = 1024;
/**
 * Number of nodes of the search tree that are cached once they have been read: the top 12 levels (36 KiB). All other
 * nodes are read each time.
 */
const KEPT_NODES = 4096;
/** Maximum number of cached cuts. If there are more, all are dropped. */
const KEPT_CUTS = 64;
/** Number of users per read when the scores of a dense page are read (64 KiB). */
const WINDOW_USERS = 16_384;
/** If fewer than one in this many users is requested, single reads are faster than window reads. */
const DENSE_GAP_USERS = 1024;

/** All candidates of one audience version, best first: ordered by score descending and user number ascending. */
export interface Ranking extends IndexedRanking {
  /**
   * Returns the same users as `usersAt`, with their scores.
   * @throws AppError storage_failed, like all methods that read, if the disk fails or the files have changed since they
   * were opened; PartMissing, after which the method can be called again once the part has been fetched
   */
  read(fromRank: number, count: number): { readonly userNumbers: Uint32Array; readonly scores: Float32Array };
  /** Returns the score of a user, or NaN if the user is not a candidate or is newer than the ranking. */
  scoreOf(userNumber: UserNumber): number;
  /** Returns the scores of many users, in few reads. */
  scoresOf(userNumbers: Uint32Array): Float32Array;
  /** Returns the cut for the first `size` ranks. Recent results are cached. */
  cut(size: number): Cut;
  /** Returns the number of candidates with at least this score. */
  countFrom(score: number): number;
  /**
   * Returns the 1-based rank of a user; 0 if the user is not a candidate. The members of an audience of size S are the
   * users with ranks 1 to S. `score` is the user's score if it has already been read.
   */
  rankOf(userNumber: UserNumber, score?: number): number;
  /** The members of the ranking's audience if they are in memory, otherwise null. */
  members: MemberIndex | null;
  close(): void;
}

/** A ranking that the caller must not close. */
export type ReadRanking = Readonly<Omit<Ranking, 'close'>>;

/**
 * Opens a ranking folder. Each block of the files is verified before any of its bytes is returned. `onDamage` is called
 * before any method throws an error about damage; `isDamage` distinguishes such an error from a disk failure.
 * @throws AppError storage_failed if the folder cannot be read, has another contract version, or contains a file whose
 * size does not match the counts
 */
export async function openRanking(
  blobs: BlobReader,
  folder: string,
  onDamage: (error: AppError) => void = () => {},
): Promise<Ranking> {
  assertLittleEndian();
  const opened: OpenBlob[] = [];
  const open = async (file: string, entries: number, sums: Sums): Promise<OpenBlob> => {
    const blob = await blobs.open(folder, file);
    opened.push(blob);
    checkSize(folder, file, blob.sizeBytes, entries);
    return new CheckedBlob(blob, sums, (block) => {
      const error = damaged(folder, `block ${block} of ${file} does not match its checksum`);
      onDamage(error);
      return error;
    });
  };
  try {
    const sidecar = decodeSidecar(folder, Buffer.from(await blobs.read(folder, SIDECAR_FILE)).toString('utf8'));
    const scores = await open(SCORES_FILE, sidecar.users, sidecar.sums.scores);
    const order = await open(ORDER_FILE, sidecar.candidates, sidecar.sums.order);
    return new FileRanking(folder, sidecar, scores, order);
  } catch (error) {
    for (const blob of opened) blob.close();
    if (isDamage(error)) onDamage(error);
    throw error;
  }
}

class FileRanking implements Ranking {
  readonly candidates: number;
  readonly userCount: number;
  readonly #folder: string;
  readonly #scores: OpenBlob;
  readonly #order: OpenBlob;
  readonly #one = new Uint32Array(1);
  readonly #oneScore = new Float32Array(this.#one.buffer);
  readonly #block = new Uint32Array(BLOCK_RANKS);
  readonly #keptUsers = new Uint32Array(KEPT_NODES);
  /** The scores of cached nodes. No candidate has the score NaN, so NaN marks a node that has not been read yet. */
  readonly #keptScores = new Float32Array(KEPT_NODES).fill(Number.NaN);
  /** Cuts by size: that of the audience, and the bounds of its named cuts. */
  readonly #cuts = new Map<number, Cut>();
  members: MemberIndex | null = null;

  constructor(folder: string, counts: { users: number; candidates: number }, scores: OpenBlob, order: OpenBlob) {
    this.#folder = folder;
    this.userCount = counts.users;
    this.candidates = counts.candidates;
    this.#scores = scores;
    this.#order = order;
  }

  read(fromRank: number, count: number): { userNumbers: Uint32Array; scores: Float32Array } {
    const userNumbers = this.usersAt(fromRank, count);
    const end = fromRank + userNumbers.length;
    if (this.members !== null && end <= this.members.size)
      return { userNumbers, scores: this.members.scores.subarray(fromRank, end) };
    const scores = this.scoresOf(userNumbers);
    const lost = scores.findIndex(Number.isNaN);
    if (lost >= 0) throw this.#withoutScore(userNumbers[lost]!);
    return { userNumbers, scores };
  }

  usersAt(fromRank: number, count: number): Uint32Array {
    assert(
      Number.isSafeInteger(fromRank) && fromRank >= 0 && count >= 0,
      `invalid range: ${count} ranks from ${fromRank}`,
    );
    const userNumbers = new Uint32Array(Math.max(0, Math.min(count, this.candidates - fromRank)));
    this.#fill(this.#order, ORDER_FILE, userNumbers, fromRank);
    return userNumbers;
  }

  scoresOf(userNumbers: Uint32Array): Float32Array {
    const scores = new Float32Array(userNumbers.length);
    if (userNumbers.length * DENSE_GAP_USERS < this.userCount) {
      for (let i = 0; i < scores.length; i++) scores[i] = this.scoreOf(userNumbers[i]!);
    } else {
      this.#gather(userNumbers, scores);
    }
    return scores;
  }

  scoresFrom(fromUser: number, count: number): Float32Array {
    const scores = new Float32Array(Math.max(0, Math.min(count, this.userCount - fromUser)));
    this.#fill(this.#scores, SCORES_FILE, scores, fromUser);
    return scores;
  }

  cut(size: number): Cut {
    const held = Math.min(size, this.candidates);
    const known = this.#cuts.get(held);
    if (known !== undefined) return known;
    const cut = cutAt(this, held);
    if (this.#cuts.size >= KEPT_CUTS) this.#cuts.clear();
    this.#cuts.set(held, cut);
    return cut;
  }

  countFrom(score: number): number {
    let low = 0;
    let high = this.candidates;
    while (low < high) {
      const middle = low + ((high - low) >>> 1);
      if (this.read(middle, 1).scores[0]! >= score) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  scoreOf(userNumber: UserNumber): number {
    if (!(userNumber >= 0 && userNumber < this.userCount)) return Number.NaN;
    this.#fill(this.#scores, SCORES_FILE, this.#one, userNumber);
    return this.#oneScore[0]!;
  }

  rankOf(userNumber: UserNumber, score = this.scoreOf(userNumber)): number {
    if (Number.isNaN(score)) return 0;
    let low = 0;
    let high = this.candidates - 1;
    for (let node = 1; high - low >= BLOCK_RANKS; ) {
      const middle = low + ((high - low) >>> 1);
      const user = this.#userAt(middle, node);
      const other = this.#scoreAt(user, node);
      if (other > score || (other === score && user < userNumber)) {
        low = middle + 1;
        node = 2 * node + 1;
      } else {
        high = middle;
        node = 2 * node;
      }
    }
    const block = this.#block.subarray(0, high - low + 1);
    this.#fill(this.#order, ORDER_FILE, block, low);
    const at = block.indexOf(userNumber);
    if (at < 0)
      throw damaged(this.#folder, `${ORDER_FILE} does not contain user number ${userNumber}, but ${SCORES_FILE} does`);
    return low + at + 1;
  }

  close(): void {
    this.#scores.close();
    this.#order.close();
  }

  #userAt(rank: number, node: number): number {
    if (node < KEPT_NODES && !Number.isNaN(this.#keptScores[node]!)) return this.#keptUsers[node]!;
    this.#fill(this.#order, ORDER_FILE, this.#one, rank);
    return this.#one[0]!;
  }

  #scoreAt(user: number, node: number): number {
    const kept = node < KEPT_NODES ? this.#keptScores[node]! : Number.NaN;
    if (!Number.isNaN(kept)) return kept;
    const score = this.scoreOf(user);
    if (Number.isNaN(score)) throw this.#withoutScore(user);
    if (node < KEPT_NODES) {
      this.#keptUsers[node] = user;
      this.#keptScores[node] = score;
    }
    return score;
  }

  /** Reads the scores of many users with few reads: one window of the file at a time, in order of user number. */
  #gather(userNumbers: Uint32Array, scores: Float32Array): void {
    const count = userNumbers.length;
    const byNumber = new Float64Array(count);
    for (let i = 0; i < count; i++) byNumber[i] = userNumbers[i]! * count + i;
    byNumber.sort();
    const window = new Float32Array(WINDOW_USERS);
    let start = -WINDOW_USERS;
    for (let i = 0; i < count; i++) {
      const at = byNumber[i]! % count;
      const user = userNumbers[at]!;
      if (user >= start + WINDOW_USERS) {
        start = user;
        const length = Math.max(0, Math.min(WINDOW_USERS, this.userCount - start));
        this.#fill(this.#scores, SCORES_FILE, window.subarray(0, length), start);
      }
      scores[at] = user < this.userCount ? window[user - start]! : Number.NaN;
    }
  }

  #withoutScore(userNumber: UserNumber): AppError {
    return damaged(this.#folder, `${ORDER_FILE} contains user number ${userNumber}, which has no score`);
  }

  /** Reads `target.length` entries of 4 bytes, starting at entry `from`. */
  #fill(blob: OpenBlob, file: string, target: Uint32Array | Float32Array, from: number): void {
    const bytes = new Uint8Array(target.buffer, target.byteOffset, target.byteLength);
    const read = blob.read(bytes, 4 * from);
    if (read < bytes.length) throw damaged(this.#folder, `${file} ends at byte ${4 * from + read}`);
  }
}
