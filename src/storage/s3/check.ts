/** Checks that an object storage can be used: its credentials, and conditional puts, which some servers ignore. */
import { randomUUID } from 'node:crypto';
import { AppError } from '../../lib/errors.ts';
import type { ObjectStorage } from './client.ts';
import type { Removal } from './removal.ts';

/** Below the prefix; no blob has such a name. */
const PROBE = '_probe-';

/**
 * Puts, reads and removes a small object. Rejects with AppError storage_failed if the storage cannot be used, and
 * invalid_argument if it ignores a condition: then writers would overwrite each other's blobs.
 */
export async function requireUsable(storage: ObjectStorage, removal: Removal): Promise<void> {
  const key = `${storage.prefix}${PROBE}${randomUUID()}`;
  const bytes = Buffer.from('metaheac');
  // if this fails, there is nothing to remove
  const tag = await storage.put(key, bytes, { condition: 'if-absent' }).catch((error: unknown) => {
    throw storage.isPlain ? withHint(error) : error;
  });
  try {
    await probe(storage, key, bytes, tag);
  } catch (error) {
    // the first error is more important
    await removal.remove(key).catch(() => {});
    throw error;
  }
  await removal.remove(key);
}

async function probe(storage: ObjectStorage, key: string, bytes: Buffer, tag: string | null): Promise<void> {
  const again = await storage.put(key, bytes, { condition: 'if-absent' });
  if (tag === null || again !== null) throw ignored('If-None-Match');
  const replaced = await storage.put(key, Buffer.from('replaced'), { condition: { ifTag: tag } });
  const stale = await storage.put(key, bytes, { condition: { ifTag: tag } });
  if (replaced === null || stale !== null) throw ignored('If-Match');
  // fails if other bytes come back
  await storage.fetch(key, 2, 3, { restart: () => {}, write: () => {}, end: () => {} });
}

/** Servers that expect TLS close the connection after a plain request, or answer with something other than XML. */
const OF_TLS = /ECONNRESET|socket hang up|answered (Unknown|Error): /;

function withHint(error: unknown): unknown {
  if (!(error instanceof AppError) || !OF_TLS.test(`${error.facts['errno']} ${error.message}`)) return error;
  const message = `${error.message} (if the server expects TLS, its endpoint begins with https://)`;
  return new AppError(error.code, message, {
    ...{ facts: error.facts, cause: error.cause },
    ...(error.place !== null && { place: error.place }),
  });
}

function ignored(header: string): AppError {
  return new AppError('invalid_argument', `this object storage ignores ${header}, which blobs need: use another one`);
}
