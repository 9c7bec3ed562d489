/** Reads an import's `schema.json`, which describes the columns of a user file. */
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { checkFeatures, type Feature, MAXIMUM_VECTOR_SIZE } from '../../dataset/features.ts';
import { AppError, messageOf } from '../../lib/errors.ts';
import { FEATURE_KINDS } from '../../lib/feature-kinds.ts';
import { SPECIAL_CATEGORIES, type SpecialCampaigns } from '../../lib/special-categories.ts';
import { isPattern, type SourceFeature, VALUE_FORMATS } from '../kinds/kind-import.ts';
import { KIND_IMPORTS } from '../kinds/table.ts';

export interface SourceSchema {
  /** The column of the user ids. */
  readonly userId: string;
  /** Delimiter of a CSV file. By default, the delimiter is detected from the header. */
  readonly delimiter?: string;
  readonly features: readonly SourceFeature[];
  readonly specialCampaigns?: SpecialCampaigns;
}

const featureSchema = z.strictObject({
  name: z.string(),
  kind: z.enum(FEATURE_KINDS),
  column: z.string().min(1).optional(),
  separator: z.string().min(1).max(10).optional(),
  format: z.enum(VALUE_FORMATS).optional(),
  size: z.int().min(1).max(MAXIMUM_VECTOR_SIZE).optional(),
  max_length: z.int().min(1).max(65_536).optional(),
  sensitive: z.boolean().optional(),
  excluded_for: z.array(z.enum(SPECIAL_CATEGORIES)).optional(),
  /** Notes that `schema --infer` writes for people who read the file. */
  notes: z.array(z.string()).optional(),
});

const schemaFile = z.strictObject({
  user_id: z.string().min(1).default('user_id'),
  delimiter: z.string().length(1).optional(),
  features: z.array(featureSchema).min(1),
  special_campaigns: z.partialRecord(z.enum(SPECIAL_CATEGORIES), z.array(z.string().min(1))).optional(),
  notes: z.array(z.string()).optional(),
});

/** The contents of `schema.json`. */
export type SchemaFile = z.input<typeof schemaFile>;

/**
 * Reads a schema file. `columns` replaces the column of a feature or of `user_id` with another column. Errors: AppError
 * `invalid_data` with a pointer into the file, `invalid_argument` if `columns` names an unknown feature.
 */
export function readSourceSchema(path: string, columns: ReadonlyMap<string, string> = new Map()): SourceSchema {
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    throw new AppError('invalid_data', `${path} can't be read as JSON: ${messageOf(error)}`, { cause: error });
  }
  const parsed = schemaFile.safeParse(value);
  if (!parsed.success) {
    const details = parsed.error.issues.map((issue) => ({
      pointer: `${path}#/${issue.path.join('/')}`,
      message: issue.message,
    }));
    const text = details.map(({ pointer, message }) => `${pointer}: ${message}`).join('; ');
    throw new AppError('invalid_data', text, { details });
  }
  const { user_id, delimiter, features, special_campaigns: specialCampaigns } = parsed.data;
  for (const name of columns.keys()) {
    if (name !== 'user_id' && !features.some((feature) => feature.name === name))
      throw new AppError('invalid_argument', `--column ${name}=..: ${path} has no feature "${name}"`);
  }
  const schema: SourceSchema = {
    userId: columns.get('user_id') ?? user_id,
    ...(delimiter === undefined ? {} : { delimiter }),
    features: features.map((feature) => toFeature(feature, columns.get(feature.name))),
    ...(specialCampaigns && { specialCampaigns }),
  };
  checkFeatures(schema.features, `${path}#/features`, 'invalid_data');
  for (const [i, feature] of schema.features.entries()) {
    const fault = findFault(feature);
    if (fault !== null) throw new AppError('invalid_data', `${path}#/features/${i}: ${fault}`);
  }
  return schema;
}

/** The population's features as the schema describes them. */
export function populationFeatures(schema: SourceSchema): Feature[] {
  return schema.features.map(({ name, kind, size, maxLength, sensitive, excludedFor }) => ({
    name,
    kind,
    ...(size === undefined ? {} : { size }),
    ...(maxLength === undefined ? {} : { maxLength }),
    ...(sensitive === undefined ? {} : { sensitive }),
    ...(excludedFor ? { excludedFor } : {}),
  }));
}

function toFeature(feature: z.output<typeof featureSchema>, column: string | undefined): SourceFeature {
  const { name, kind, separator, format, size, max_length, sensitive, excluded_for = [] } = feature;
  return {
    name,
    kind,
    column: column ?? feature.column ?? name,
    ...(separator === undefined ? {} : { separator }),
    ...(format === undefined ? {} : { format }),
    ...(size === undefined ? {} : { size }),
    ...(max_length === undefined ? {} : { maxLength: max_length }),
    ...(sensitive === true ? { sensitive } : {}),
    ...(excluded_for.length > 0 ? { excludedFor: excluded_for } : {}),
  };
}

function findFault(feature: SourceFeature): string | null {
  const { name, kind, column, separator, format } = feature;
  const { hasSeparator, formats } = KIND_IMPORTS[kind];
  if (separator !== undefined && !hasSeparator)
    return `"${name}" is of kind ${kind} and has a separator: only lists have a separator`;
  if (format !== undefined && !formats.includes(format)) {
    const others = FEATURE_KINDS.filter((other) => KIND_IMPORTS[other].formats.includes(format));
    return `"${name}" is of kind ${kind}: the format ${format} is for ${others.join(' and ')}`;
  }
  if (isPattern(feature) && column.split('*').length !== 2) return `the pattern ${column} has more than one *`;
  return null;
}
