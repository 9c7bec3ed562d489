/**
 * The ranking folder's format: file names, the sidecar, and the refusals of a folder that is damaged or of another
 * contract.
 */
import { endianness } from 'node:os';
import { AppError, assert, messageOf } from '../lib/errors.ts';

/** Scores by user number: float32, little endian; NaN = not a candidate. */
export const SCORES_FILE = 'scores.f32';
/** User numbers by rank: uint32, little endian; score descending, then user number ascending. */
export const ORDER_FILE = 'order.u32';
/** The counts that both files must agree with. */
export const SIDECAR_FILE = 'ranking.json';

const CONTRACT = 1;

export interface Sidecar {
  readonly contract: number;
  /** Entries of scores.f32. */
  readonly users: number;
  /** Entries of order.u32. */
  readonly candidates: number;
}

/** Typed arrays are written as they are in memory. */
export function assertLittleEndian(): void {
  assert(endianness() === 'LE', 'rankings are little endian, and so must be the machine');
}

export function encodeSidecar(counts: { readonly users: number; readonly candidates: number }): Buffer {
  return Buffer.from(`${JSON.stringify({ contract: CONTRACT, users: counts.users, candidates: counts.candidates })}\n`);
}

/** Reads a sidecar; throws `AppError` storage_failed with what is wrong with it. */
export function decodeSidecar(folder: string, text: string): Sidecar {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw damaged(folder, `${SIDECAR_FILE} is not JSON: ${messageOf(error)}`);
  }
  const { contract, users, candidates } = (value ?? {}) as Partial<Sidecar>;
  if (contract !== CONTRACT) throw damaged(folder, `its contract is ${contract}, but this version reads ${CONTRACT}`);
  if (!isCount(users) || !isCount(candidates) || candidates > users) {
    throw damaged(folder, `${SIDECAR_FILE} counts ${users} users and ${candidates} candidates`);
  }
  return { contract, users, candidates };
}

/** Refuses a file whose size does not match its entries. */
export function checkSize(folder: string, file: string, sizeBytes: number, entries: number): void {
  if (sizeBytes !== 4 * entries) throw damaged(folder, `${file} has ${sizeBytes} bytes, not ${4 * entries}`);
}

/** The error for a ranking folder with wrong contents. */
export function damaged(folder: string, what: string): AppError {
  return new AppError('storage_failed', `ranking ${folder} is damaged: ${what}`);
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 && value <= 0xffffffff;
}
