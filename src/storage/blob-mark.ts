/**
 * The mark of a blob storage: a file that names the database that owns the blobs. The leader of a cluster removes blobs
 * that its database does not know, so two databases must never share a storage.
 */
import type { BlobFiles } from '../domain/ports/blob-files.ts';
import { AppError } from '../lib/errors.ts';

/** The name of the mark among the single files of the storage. */
const MARK_FILE = 'cluster.json';

interface Marked {
  /** The id of the database; see `Cluster.databaseId`. */
  readonly databaseId: string;
  /** Whether the database already uses a blob storage, which must then have its mark. */
  readonly isInUse: boolean;
}

/**
 * Requires that the storage belongs to the database. If the database is not in use yet and the storage has no mark, it
 * is marked. If several databases mark the same storage at once, only one succeeds.
 * @throws AppError invalid_argument if the storage belongs to another database or has lost its mark; storage_failed
 */
export async function takeBlobs(files: BlobFiles, { databaseId, isInUse }: Marked): Promise<void> {
  if (!isInUse && (await files.put(MARK_FILE, bytesOf(databaseId), 'if-absent')) !== null) return;
  await requireOwnBlobs(files, databaseId);
}

/**
 * Like `takeBlobs` for a database in use; changes nothing.
 * @throws AppError invalid_argument, storage_failed
 */
export async function requireOwnBlobs(files: BlobFiles, databaseId: string): Promise<void> {
  const found = await files.find(MARK_FILE);
  if (found === null)
    throw new AppError(
      'invalid_argument',
      'the object storage is not that of this database: it lacks shared/cluster.json, which the first node put there. ' +
        `Check --store and --blobs. If the file was lost, put it back: ${textOf(databaseId)}`,
    );
  const marked = databaseOf(found.data);
  if (marked === databaseId) return;
  throw new AppError(
    'invalid_argument',
    `the object storage belongs to another cluster: its shared/cluster.json names the database ${marked}, and this ` +
      `database is ${databaseId}. Check --store and --blobs; each cluster needs a bucket or a prefix of its own`,
  );
}

function textOf(databaseId: string): string {
  return JSON.stringify({ format: 1, database: databaseId });
}

function bytesOf(databaseId: string): Buffer {
  return Buffer.from(`${textOf(databaseId)}\n`);
}

function databaseOf(data: Uint8Array): string {
  try {
    const { database } = JSON.parse(Buffer.from(data).toString()) as { readonly database?: unknown };
    if (typeof database === 'string') return database;
  } catch {
    // reported below
  }
  throw new AppError('storage_failed', 'shared/cluster.json of the object storage is damaged');
}
