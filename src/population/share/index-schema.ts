/**
 * The index of a published population, `population/index.json`: the versions, the parts of the append-only tables, and
 * the log of erasures. It is the only file that changes, and only by conditional puts, so versions and erasures have
 * the same order on all hosts.
 */
import { z } from 'zod';
import { AppError, messageOf } from '../../lib/errors.ts';

const INDEX_CONTRACT = 1;

const ROOT = 'population';
/** Names of the stored files. */
export const INDEX_NAME = `${ROOT}/index.json`;
export const KEY_NAME = `${ROOT}/erased.key`;
/** Files that are named after their sha256: segments, rows of users, and parts of tables. */
export const FILES_PREFIX = `${ROOT}/files/`;
/** User sides, `<folder>/<key>.users` as in a version's folder, and lists of those that a version needs. */
export const USER_SIDES_PREFIX = `${ROOT}/user-sides/`;
export const USER_SIDE_LISTS_PREFIX = `${ROOT}/user-side-lists/`;
export const fileName = (sha256: string): string => `${FILES_PREFIX}${sha256}`;
export const MANIFESTS_PREFIX = `${ROOT}/versions/`;
export const manifestName = (version: string): string => `${MANIFESTS_PREFIX}${version}.json`;
export const erasuresName = (first: number, sha256: string): string =>
  `${ROOT}/erasures/${String(first).padStart(12, '0')}-${sha256.slice(0, 16)}`;

const count = z.int().min(0);
const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
const version = z.string().regex(/^[0-9a-f]{12}$/);

/** A range of a table's file. */
const partSchema = z.strictObject({ start: count, size: z.int().min(1), sha256 });

const versionSchema = z.strictObject({
  version,
  /** Milliseconds since 1970. */
  published_at: count,
  /** Size and sha256 of `directory.bytes` according to the version's manifest. */
  directory: z.strictObject({ size: count, sha256 }),
});

/** A version that is being published. Sweeps do not remove its files. */
const incomingSchema = z.strictObject({ version, since: count, parts: z.array(sha256) });

const indexSchema = z.strictObject({
  contract: z.literal(INDEX_CONTRACT),
  /** In the order of publication; the last is the newest. */
  versions: z.array(versionSchema),
  incoming: z.array(incomingSchema),
  /** The parts of each table, by the path of its file in a population folder. */
  tables: z.record(z.string(), z.array(partSchema)),
  /** The current sha256 of `directory.bytes`, by the recorded sha256 from before ids were overwritten. */
  sums: z.record(sha256, sha256),
  erasures: z.strictObject({
    count,
    /** Sealed parts of the log, in order. */
    parts: z.array(z.strictObject({ first: count, count: z.int().min(1), sha256 })),
    /** The records after the sealed parts, as in `erased.bin`, in base64. */
    tail: z.string(),
  }),
  /** Parts with overwritten ids. These parts must be deleted. */
  dropped: z.array(sha256),
  /** The running removal of unused files. No publication begins while it runs. */
  sweep: z.strictObject({ id: z.string(), since: count }).nullable(),
});

export type TablePart = z.infer<typeof partSchema>;
export type PublishedVersion = z.infer<typeof versionSchema>;
export type PublishedIndex = z.infer<typeof indexSchema>;

export const EMPTY_INDEX: PublishedIndex = {
  contract: INDEX_CONTRACT,
  versions: [],
  incoming: [],
  tables: {},
  sums: {},
  erasures: { count: 0, parts: [], tail: '' },
  dropped: [],
  sweep: null,
};

export function encodeIndex(index: PublishedIndex): Uint8Array {
  return Buffer.from(`${JSON.stringify(index)}\n`);
}

/** @throws AppError invalid_population */
export function decodeIndex(data: Uint8Array, where: string): PublishedIndex {
  try {
    const value = JSON.parse(Buffer.from(data).toString('utf8')) as { contract?: unknown };
    if (typeof value.contract === 'number' && value.contract > INDEX_CONTRACT)
      throw new Error(
        `it has contract ${value.contract}, but this program reads ${INDEX_CONTRACT}: update the program`,
      );
    return indexSchema.parse(value);
  } catch (error) {
    throw new AppError('invalid_population', `${where} can't be read: ${messageOf(error)}`, { cause: error });
  }
}

/** The size of a table's file. */
export function sizeOfParts(parts: readonly TablePart[]): number {
  const last = parts.at(-1);
  return last === undefined ? 0 : last.start + last.size;
}
