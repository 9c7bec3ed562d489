/** Puts a single file, whose metadata has the sha256 of its parts. */
import { assert } from '../../lib/errors.ts';
import type { ObjectStorage } from './client.ts';
import { singleKey } from './keys.ts';
import { encodeMetadata, singlePartBytes } from './manifest.ts';
import { type Source, sumsOf, upload } from './upload.ts';

/** `sums` are the sha256 of parts of the usual size. Rejects with AppError storage_failed. */
export async function putSingle(
  storage: ObjectStorage,
  folder: string,
  file: string,
  source: Source,
  sums: readonly string[],
): Promise<void> {
  assert(!file.includes('/'), `blob ${file} leads out of its folder`);
  const { blobPartBytes } = storage.limits;
  const partBytes = singlePartBytes(source.sizeBytes, blobPartBytes);
  const parts = partBytes === blobPartBytes ? sums : sumsOf(source, partBytes);
  const metadata = encodeMetadata({ sizeBytes: source.sizeBytes, partBytes, parts });
  await upload(storage, singleKey(storage.prefix, folder, file), source, { metadata, known: { partBytes, parts } });
}
