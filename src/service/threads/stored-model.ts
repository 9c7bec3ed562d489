/** Reads the customised model that is stored with a ranking in the form of changes to the general model. */
import type { BlobReader } from '../../domain/ports/blobs.ts';
import { AppError, isMissing } from '../../lib/errors.ts';
import { CUSTOMISED_FILE, type Customised, decodeCustomised } from '../../model/customised.ts';

/**
 * @throws AppError model_not_stored if the ranking has no customised model; storage_failed if that model is damaged or
 * unreadable, or has a different contract
 */
export async function readStoredModel(blobs: BlobReader, folder: string): Promise<Customised> {
  return decodeCustomised(await read(blobs, folder), `${folder}/${CUSTOMISED_FILE}`);
}

async function read(blobs: BlobReader, folder: string): Promise<Uint8Array> {
  try {
    return await blobs.read(folder, CUSTOMISED_FILE);
  } catch (error) {
    if (isMissing(error) && (await blobs.has(folder)))
      throw new AppError(
        'model_not_stored',
        'the audience has no customised model, because an earlier version of metaheac made it: expand the campaign again',
        { cause: error },
      );
    throw error;
  }
}
