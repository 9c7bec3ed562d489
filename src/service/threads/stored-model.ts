/** Reads the customised model that is stored with a ranking in the form of changes to the general model. */
import type { BlobReader } from '../../domain/ports/local-blobs.ts';
import { AppError } from '../../lib/errors.ts';
import { CUSTOMISED_FILE, type Customised, decodeCustomised } from '../../model/customised.ts';

/**
 * @throws AppError model_not_stored if the ranking has no customised model; storage_failed if that model is damaged or
 * unreadable, or has a different contract
 */
export function readStoredModel(blobs: BlobReader, folder: string): Customised {
  return decodeCustomised(read(blobs, folder), `${folder}/${CUSTOMISED_FILE}`);
}

function read(blobs: BlobReader, folder: string): Uint8Array {
  try {
    return blobs.read(folder, CUSTOMISED_FILE);
  } catch (error) {
    if (error instanceof AppError && error.facts['errno'] === 'ENOENT' && blobs.has(folder))
      throw new AppError(
        'model_not_stored',
        'the audience has no customised model, because an earlier version of metaheac made it: expand the campaign again',
        { cause: error },
      );
    throw error;
  }
}
