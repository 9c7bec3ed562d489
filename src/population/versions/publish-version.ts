/** Creates a version at a destination. The version is published only if all data could be read. */
import { untilRead } from '../../domain/ports/blobs.ts';
import { AppError } from '../../lib/errors.ts';
import type { Destinations } from './destination.ts';
import { inFolder } from './folder-destination.ts';
import { type ImportResult, type ImportTarget, VersionWriter } from './version-writer.ts';

/**
 * Lets `read` fill a writer, and publishes the result. Importing the same content into the same place produces the same
 * version, so importing the current content again changes nothing, except that a damaged copy of that version is
 * replaced. `from` names the source in errors. Errors: the errors of `read` and of the destination, and AppError
 * `invalid_population` (a damaged folder), `invalid_data` (there are no users). After an error, the previous version is
 * served as before.
 */
export async function publishVersion(
  { out, ...target }: ImportTarget & { readonly out: string | Destinations },
  from: string,
  read: (writer: VersionWriter) => Promise<void>,
): Promise<ImportResult> {
  const destinations = typeof out === 'string' ? inFolder(out) : out;
  return await destinations.open({ readmitErased: target.readmitErased ?? false }, async (destination) => {
    const writer = await untilRead(() => new VersionWriter(target, destination));
    await read(writer);
    if (writer.rows === 0) throw new AppError('invalid_data', `${from} is empty: a population needs at least one user`);
    return await writer.publish();
  });
}
