/** Schemas of fields that several resources share. */
import { z } from 'zod';
import { FEATURE_KINDS } from '../../../lib/feature-kinds.ts';
import { addIssue, type Wrong } from './validation.ts';

export const count = z.int().min(0);

/** RFC 3339. */
export const timeText = z.string().meta({ format: 'date-time', examples: ['2026-11-25T12:00:00.000Z'] });

/** An RFC 3339 time, converted from milliseconds since 1970. */
export const time = z.transform((ms: number) => new Date(ms).toISOString()).pipe(timeText);

/** Schema of an RFC 3339 time in a query; the result is in milliseconds since 1970. */
export const instant = z.iso
  .datetime({ offset: true, error: 'an RFC 3339 time is expected' })
  .transform((text) => Date.parse(text));

/** Seconds, from milliseconds. */
export const seconds = z.transform((ms: number) => ms / 1000).pipe(z.number());

/** An estimated value and the bounds of its interval. */
export const interval = z.object({
  mean: z.number(),
  low: z.number().describe('Lower bound of the interval.'),
  high: z.number().describe('Upper bound of the interval.'),
});

/** The bounds of an interval without the estimate. */
export const range = interval.omit({ mean: true });

export const externalIdText = z.string().nullable().describe('Your own id for the campaign; `null` if none was given.');

export const share = z
  .number()
  .gt(0)
  .max(100)
  .describe('Size of the audience as a percentage of the population, including seeds; rounded up to whole users.');

export const featureKind = z.enum(FEATURE_KINDS).describe('Kind of the feature; `multi` means a list of values.');

export const sensitive = z
  .boolean()
  .describe('Whether the feature is sensitive. Explanations compare the groups of sensitive features.');

export const featureValue = z.union([
  z.string(),
  z.number(),
  z.array(z.string()).readonly(),
  z.array(z.number()).readonly(),
]);

/** A reason: a stable code, a sentence, and the relevant numbers. */
export const reason = z.looseObject({ code: z.string().describe('Stable code of the reason.'), message: z.string() });

/** Schema of a text response, such as a stream or metrics. */
export const textSchema = z.string();

/**
 * Returns why a value is not a valid id, or null if it is valid. Ids are strings of 1 to `maximumBytes` bytes in UTF-8.
 */
export function wrongId(what: string, id: unknown, maximumBytes: number): Wrong | null {
  if (typeof id !== 'string') return { message: `${what} must be a string` };
  if (id === '') return { message: `${what} must have at least 1 byte`, limit: 1 };
  // nearly all ids have one byte for each character and no surrogates
  if (id.length <= maximumBytes && /^[\x20-\x7e]+$/.test(id)) return null;
  if (Buffer.byteLength(id) > maximumBytes) {
    return { message: `${what} must have at most ${maximumBytes} bytes`, limit: maximumBytes };
  }
  return /\p{Surrogate}/u.test(id) ? { message: 'unpaired surrogates are not allowed' } : null;
}

export function userId(maximumBytes: number) {
  return idText('a user id', maximumBytes).meta({
    description: `Id of a user, 1 to ${maximumBytes} bytes.`,
    minLength: 1,
    maxLength: maximumBytes,
    examples: ['u4711'],
  });
}

export function idText(what: string, maximumBytes: number) {
  return z.string().superRefine((id, context) => {
    const wrong = wrongId(what, id, maximumBytes);
    if (wrong !== null) addIssue(context, [], wrong);
  });
}
