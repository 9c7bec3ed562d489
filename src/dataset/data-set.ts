/** A data set folder: its description `dataset.json`, and the paths of its users, campaigns and interactions. */
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { AppError, messageOf } from '../lib/errors.ts';
import { FEATURE_KINDS } from '../lib/feature-kinds.ts';
import { SPECIAL_CATEGORIES } from '../lib/special-categories.ts';
import { checkFeatures, type Feature, MAXIMUM_VECTOR_SIZE } from './features.ts';

/** A data set as `dataset.json` describes it (format: docs/data-set.md). */
export interface DataSet {
  readonly path: string;
  readonly name: string;
  readonly userFeatures: readonly Feature[];
  readonly campaignFeatures: readonly Feature[];
}

/** The files of a data set. Each file may be compressed (`.gz`, `.zst`). */
export type DataSetFile = 'users.ndjson' | 'campaigns.ndjson' | 'interactions.csv';

/** Maximum size of `dataset.json`. */
export const MAXIMUM_DESCRIPTION_BYTES = 1024 * 1024;

const featureSchema = z.object({
  name: z.string(),
  kind: z.enum(FEATURE_KINDS),
  max_length: z.int().min(1).max(65_536).optional(),
  size: z.int().min(1).max(MAXIMUM_VECTOR_SIZE).optional(),
  sensitive: z.boolean().optional(),
  excluded_for: z.array(z.enum(SPECIAL_CATEGORIES)).optional(),
});

const descriptionSchema = z.object({
  name: z.string().min(1).max(200),
  user_features: z.array(featureSchema).min(1),
  campaign_features: z.array(featureSchema),
});

/** Reads a folder's `dataset.json`. Errors: AppError `invalid_data`, naming the fault and its location. */
export function openDataSet(path: string): DataSet {
  const file = join(path, 'dataset.json');
  const parsed = descriptionSchema.safeParse(readDescription(file));
  if (!parsed.success) {
    const details = parsed.error.issues.map(({ path: keys, message }) => ({
      pointer: `${file}#/${keys.join('/')}`,
      message,
    }));
    throw new AppError('invalid_data', details.map(({ pointer, message }) => `${pointer}: ${message}`).join('; '), {
      details,
    });
  }
  const { name, user_features, campaign_features } = parsed.data;
  const dataSet = {
    path,
    name,
    userFeatures: user_features.map(toFeature),
    campaignFeatures: campaign_features.map(toFeature),
  };
  checkFeatures(dataSet.userFeatures, `${file}#/user_features`, 'invalid_data');
  checkFeatures(dataSet.campaignFeatures, `${file}#/campaign_features`, 'invalid_data');
  return dataSet;
}

/**
 * The path of a data set's file, which may end in `.gz` or `.zst`. Errors: AppError `invalid_data` if the file does not
 * exist, or exists in more than one of these forms.
 */
export function getDataSetFile(dataSet: DataSet, name: DataSetFile): string {
  const plain = join(dataSet.path, name);
  const found = formsOf(plain);
  const [ending] = found;
  if (ending === undefined)
    throw new AppError('invalid_data', `${dataSet.path} has no ${name}, ${name}.gz or ${name}.zst`);
  if (found.length > 1) {
    const forms = found.map((one) => one || 'plain').join(' and ');
    throw new AppError('invalid_data', `${plain} exists in several forms (${forms}); keep only one of these files`);
  }
  return `${plain}${ending}`;
}

/** Whether the data set has the file in any form. */
export function hasDataSetFile({ path }: Pick<DataSet, 'path'>, name: DataSetFile): boolean {
  return formsOf(join(path, name)).length > 0;
}

/** The endings of the forms in which a file exists. */
function formsOf(plain: string): string[] {
  return ['', '.gz', '.zst'].filter((ending) => existsSync(`${plain}${ending}`));
}

function readDescription(file: string): unknown {
  try {
    const { size } = statSync(file);
    if (size > MAXIMUM_DESCRIPTION_BYTES) {
      throw new AppError(
        'invalid_data',
        `${file} has ${size} bytes; at most ${MAXIMUM_DESCRIPTION_BYTES} are supported`,
      );
    }
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(readFileSync(file)));
  } catch (error) {
    if (error instanceof AppError) throw error;
    throw new AppError('invalid_data', `${file} cannot be read as JSON: ${messageOf(error)}`, { cause: error });
  }
}

function toFeature(feature: z.infer<typeof featureSchema>): Feature {
  const { name, kind, max_length, size, sensitive, excluded_for = [] } = feature;
  return {
    name,
    kind,
    ...(max_length === undefined ? {} : { maxLength: max_length }),
    ...(size === undefined ? {} : { size }),
    ...(sensitive === true ? { sensitive } : {}),
    ...(excluded_for.length > 0 ? { excludedFor: excluded_for } : {}),
  };
}
