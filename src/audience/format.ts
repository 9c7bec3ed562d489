/**
 * The format of a ranking folder: file names, the sidecar, and the errors for a folder that is damaged or has another
 * contract version.
 */
import { endianness } from 'node:os';
import { AppError, assert, messageOf } from '../lib/errors.ts';
import { decodeSums, encodeSums, SUM_BLOCK_BYTES, type Sums } from './sums.ts';

/** The file of scores, indexed by user number (little-endian float32). NaN means that the user is not a candidate. */
export const SCORES_FILE = 'scores.f32';
/**
 * The file of user numbers, indexed by rank (little-endian uint32). Ranks are ordered by score descending, then by user
 * number ascending.
 */
export const ORDER_FILE = 'order.u32';
/** The sidecar, which contains the number of entries of both files. */
export const SIDECAR_FILE = 'ranking.json';

const CONTRACT = 1;

export interface RankingSums {
  readonly scores: Sums;
  readonly order: Sums;
}

export interface Sidecar {
  readonly contract: number;
  /** Number of entries of scores.f32. */
  readonly users: number;
  /** Number of entries of order.u32. */
  readonly candidates: number;
  /** The checksums of both files. */
  readonly sums: RankingSums;
}

/** Throws on a big-endian machine, because typed arrays are written in the byte order of the machine. */
export function assertLittleEndian(): void {
  assert(endianness() === 'LE', 'rankings are stored in little endian, but this machine is big endian');
}

export function encodeSidecar({ users, candidates }: Pick<Sidecar, 'users' | 'candidates'>, sums: RankingSums): Buffer {
  const crc32 = {
    block_bytes: SUM_BLOCK_BYTES,
    [SCORES_FILE]: encodeSums(sums.scores),
    [ORDER_FILE]: encodeSums(sums.order),
  };
  return Buffer.from(`${JSON.stringify({ contract: CONTRACT, users, candidates, crc32 })}\n`);
}

/** Reads a sidecar. @throws AppError storage_failed with the fault if the sidecar is damaged */
export function decodeSidecar(folder: string, text: string): Sidecar {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw damaged(folder, `${SIDECAR_FILE} is not JSON: ${messageOf(error)}`);
  }
  const { contract, users, candidates, crc32 } = (value ?? {}) as Partial<Sidecar> & { crc32?: unknown };
  if (contract !== CONTRACT)
    throw damaged(folder, `its contract version is ${contract}, but this release reads version ${CONTRACT}`);
  if (!isCount(users) || !isCount(candidates) || candidates > users) {
    throw damaged(folder, `${SIDECAR_FILE} has impossible counts: ${users} users, ${candidates} candidates`);
  }
  const sums = decodeRankingSums(crc32, users, candidates);
  if (sums === undefined) throw damaged(folder, `${SIDECAR_FILE} does not contain valid checksums of the files`);
  return { contract, users, candidates, sums };
}

function decodeRankingSums(value: unknown, users: number, candidates: number): RankingSums | undefined {
  const sums = (value ?? {}) as Readonly<Record<string, unknown>>;
  const scores = decodeSums(sums[SCORES_FILE], 4 * users);
  const order = decodeSums(sums[ORDER_FILE], 4 * candidates);
  if (sums['block_bytes'] !== SUM_BLOCK_BYTES || scores === null || order === null) return undefined;
  return { scores, order };
}

/** Throws if the size of a file does not match its number of entries. */
export function checkSize(folder: string, file: string, sizeBytes: number, entries: number): void {
  if (sizeBytes !== 4 * entries) throw damaged(folder, `${file} has ${sizeBytes} bytes, not ${4 * entries}`);
}

/** Returns the error for a ranking folder with invalid contents. */
export function damaged(folder: string, what: string): AppError {
  return new AppError('storage_failed', `ranking ${folder} is damaged: ${what}`, { facts: { damaged: true } });
}

/** Whether an error says that a ranking's files are damaged or missing. */
export function isDamage(error: unknown): error is AppError {
  if (!(error instanceof AppError) || error.code !== 'storage_failed') return false;
  return error.facts['damaged'] === true || error.facts['errno'] === 'ENOENT';
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 && value <= 0xffffffff;
}
