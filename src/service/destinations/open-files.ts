/** Opens the files of a destination. It must be below the operator's root or at a public endpoint. */
import { realpathSync } from 'node:fs';
import { join, relative } from 'node:path';
import type { DestinationPlace } from '../../domain/destinations.ts';
import type { BlobFiles } from '../../domain/ports/blob-files.ts';
import type { Clock } from '../../lib/clock.ts';
import { AppError, messageOf, UsageError } from '../../lib/errors.ts';
import { openFolderFiles, openLocationFiles } from '../../storage/open-store.ts';
import { nearestExisting } from '../paths.ts';
import type { AddressGuard } from '../webhooks/address-guard.ts';

export interface PlaceDependencies {
  /** The folder below which destinations may write; null if folders cannot be destinations. */
  readonly root: string | null;
  readonly guard: AddressGuard;
  readonly clock: Clock;
  readonly patienceMs: number;
}

export interface DestinationFiles extends Pick<BlobFiles, 'find' | 'put' | 'putFile' | 'list' | 'deleteFile'> {
  /** Removes files that killed writers left in a folder. */
  removeLeftovers?(folder: string): Promise<void>;
}

/** Opens the files without a request to the storage. @throws AppError destination_refused */
export async function openDestination(place: DestinationPlace, dependencies: PlaceDependencies) {
  return place.kind === 'folder'
    ? openFolderFiles(folderOf(place.path, dependencies.root))
    : await openBucket(place, dependencies);
}

/** The folder of a destination. @throws AppError destination_refused if it is not below the root */
function folderOf(path: string, root: string | null): string {
  if (root === null) throw refused('/path', 'the operator has not set METAHEAC_DESTINATIONS_ROOT');
  const isPlain = path.split('/').every((name) => /^[\w-][\w. -]*$/.test(name));
  if (!isPlain) throw refused('/path', 'the path must be relative, of names of letters, digits, spaces and -_.', path);
  const folder = join(root, path);
  // a link below the root may point outside of it
  const real = relative(realpathSync(nearestExisting(root)), realpathSync(nearestExisting(folder)));
  if (real.startsWith('..')) throw refused('/path', 'the folder is not below the root of destinations', path);
  return folder;
}

async function openBucket(
  { bucket, prefix, endpoint, region, profile }: DestinationPlace & { readonly kind: 's3' },
  { guard, clock, patienceMs }: PlaceDependencies,
): Promise<DestinationFiles> {
  if (endpoint !== null) checkEndpoint(endpoint, guard);
  const query = new URLSearchParams({ ...(endpoint !== null && { endpoint }), ...(region !== null && { region }) });
  try {
    return await openLocationFiles(`s3://${bucket}/${prefix}?${query}`, {
      clock,
      limits: { blobPatienceMs: patienceMs },
      ...(profile !== null && { profile }),
      // without an endpoint, the operator's own settings choose the AWS servers
      ...(endpoint !== null && { lookup: guard.lookup }),
    });
  } catch (error) {
    if (error instanceof UsageError) throw refused('/bucket', messageOf(error));
    throw error;
  }
}

function checkEndpoint(endpoint: string, guard: AddressGuard): void {
  try {
    guard.checkUrl(endpoint);
  } catch (error) {
    throw refused('/endpoint', messageOf(error));
  }
}

function refused(pointer: string, message: string, value?: string): AppError {
  return new AppError('destination_refused', message, {
    details: [{ pointer, message, ...(value === undefined ? {} : { value }) }],
  });
}
