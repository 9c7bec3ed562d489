/**
 * A part of an import that several hosts read: a version of its own, whose user numbers and codes are those of the part
 * alone. Parts wait in the storage until they are joined.
 */
import { z } from 'zod';
import type { BlobFiles } from '../../../domain/ports/blob-files.ts';
import { AppError, messageOf } from '../../../lib/errors.ts';
import { type Manifest, parseManifest } from '../../versions/manifest.ts';
import { PARTS_PREFIX, type TablePart, tablesSchema } from '../index-schema.ts';

const CONTRACT = 1;

/** Name in `incoming` that keeps the files of parts from being removed. No version has it. */
export const PARTS_ANNOUNCED = '00006a6f696e';

/** Which part of how many; parts are numbered from 1. */
export interface PartNumber {
  readonly part: number;
  readonly parts: number;
}

export interface ImportPart {
  readonly manifest: Manifest;
  /** The parts of each table's file. */
  readonly tables: Readonly<Record<string, readonly TablePart[]>>;
}

const partSchema = z.strictObject({
  contract: z.literal(CONTRACT),
  version: z.string(),
  manifest: z.unknown(),
  tables: tablesSchema,
});

function partName({ part, parts }: PartNumber): string {
  return `${PARTS_PREFIX}${part}-of-${parts}.json`;
}

export async function putPart(files: BlobFiles, number: PartNumber, { manifest, tables }: ImportPart): Promise<void> {
  const text = JSON.stringify({ contract: CONTRACT, version: manifest.version, manifest, tables });
  await files.put(partName(number), Buffer.from(text));
}

/** @throws AppError invalid_argument (the part is missing), invalid_population, storage_failed */
export async function getPart(files: BlobFiles, number: PartNumber): Promise<ImportPart> {
  const name = partName(number);
  const found = await files.find(name);
  if (found === null)
    throw new AppError(
      'invalid_argument',
      `part ${number.part} of ${number.parts} is missing: import it first (parts are kept for a day)`,
    );
  try {
    const { version, manifest, tables } = partSchema.parse(JSON.parse(Buffer.from(found.data).toString('utf8')));
    return { manifest: parseManifest(JSON.stringify(manifest), version, name), tables };
  } catch (error) {
    if (error instanceof AppError) throw error;
    throw new AppError('invalid_population', `${name} can't be read: ${messageOf(error)}`, { cause: error });
  }
}
