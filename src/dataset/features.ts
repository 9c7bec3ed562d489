/** Definitions of the features of users and campaigns, with the names and kinds that features may have. */
import { AppError, type ErrorCode } from '../lib/errors.ts';
import { columnOf, type FeatureKind } from '../lib/feature-kinds.ts';
import type { SpecialCategory } from '../lib/special-categories.ts';

/** One feature of a user or a campaign. */
export interface Feature {
  readonly name: string;
  readonly kind: FeatureKind;
  /** Maximum number of tokens that a model reads from a list. A population stores all tokens. */
  readonly maxLength?: number;
  /** Length of a vector. Required for vectors, and not allowed for other kinds. */
  readonly size?: number;
  /**
   * Whether the feature is a characteristic by which an audience should not be chosen, such as gender or age.
   * Explanations compare the groups that such a feature defines.
   */
  readonly sensitive?: boolean;
  /** The special categories in which campaigns must not use the feature. */
  readonly excludedFor?: readonly SpecialCategory[];
}

/** Reserved keys in the record of a user or campaign. These keys cannot be feature names. */
const RESERVED_NAMES: ReadonlySet<string> = new Set(['user_id', 'campaign_id', 'split', 'group', 'special_categories']);

/** Maximum length of a feature name, in characters. */
const MAXIMUM_FEATURE_NAME_CHARACTERS = 80;

/** Maximum length of a vector. */
export const MAXIMUM_VECTOR_SIZE = 4096;

/** Maximum number of features per user or campaign. */
const MAXIMUM_FEATURES = 1000;

const UNPRINTABLE = /[\p{Cc}\p{Cs}\u2028\u2029]/u;

/** Returns a sentence that says what is wrong with a feature's name; null if nothing is wrong. */
function findNameFault(name: string): string | null {
  if (name.length < 1 || name.length > MAXIMUM_FEATURE_NAME_CHARACTERS) {
    return `a feature's name must have 1 to ${MAXIMUM_FEATURE_NAME_CHARACTERS} characters`;
  }
  if (UNPRINTABLE.test(name)) return "a feature's name must not contain control characters";
  if (RESERVED_NAMES.has(name)) return `"${name}" is a reserved key and can't name a feature`;
  // a model reads a list as `user.<name>` and the list's length as `user.<name>.length`
  if (name.endsWith('.length')) return 'a feature\'s name must not end in ".length"';
  return null;
}

function findSizeFault(name: string, kind: FeatureKind, size: number | undefined): string | null {
  const needsSize = columnOf(kind) === 'vector';
  if (needsSize === (size !== undefined)) return null;
  return needsSize
    ? `the vector "${name}" has no size; specify how many numbers it has`
    : `the feature "${name}" has a size, but is not a vector`;
}

/**
 * Throws AppError `code` if the name of a feature is invalid or repeated, or if there are more than MAXIMUM_FEATURES
 * features.
 */
export function checkFeatures(features: readonly Feature[], where: string, code: ErrorCode): void {
  if (features.length > MAXIMUM_FEATURES) {
    throw new AppError(
      code,
      `${where}: there are ${features.length} features; at most ${MAXIMUM_FEATURES} are supported`,
    );
  }
  const seen = new Set<string>();
  for (const { name, kind, size } of features) {
    const fault = findNameFault(name) ?? findSizeFault(name, kind, size);
    if (fault !== null)
      throw new AppError(code, `${where}: ${fault}`, { details: [{ pointer: where, message: fault, value: name }] });
    if (seen.has(name)) throw new AppError(code, `${where}: the feature "${name}" appears twice`);
    seen.add(name);
  }
}
