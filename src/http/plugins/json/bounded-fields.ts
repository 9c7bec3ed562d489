/**
 * Schemas of lists and objects that stop checking after `maximumErrorDetails` wrong items. zod's own check collects an
 * issue for each item, so a body with millions of wrong items would need gigabytes of memory. If there are too many
 * items, their number is reported as the only issue, and the items are not checked.
 */
import { z } from 'zod';
import { sentenceOf } from './sentences.ts';
import { addIssue, type Wrong } from './validation.ts';

/** Schema of a list of 1 to `most` items. The caller adds the OpenAPI description. */
export function listField<T = string>(
  what: string,
  wrongWith: (item: unknown) => Wrong | null,
  most: number,
  maximumIssues: number,
) {
  return countedList<T>(what, most).superRefine((list, context) => {
    addFirstIssues(context, list.entries(), wrongWith, maximumIssues);
  });
}

/** Schema of a list of 1 to `most` items that conform to the schema `item`. */
export function listOf<T>(what: string, item: z.ZodType<T>, most: number, maximumIssues: number) {
  return countedList<T>(what, most)
    .superRefine((list, context) => addIssuesOf(context, item, list.entries(), maximumIssues))
    .meta({ type: 'array', minItems: 1, maxItems: most, items: documentOf(item) });
}

function countedList<T>(what: string, most: number) {
  return z
    .custom<readonly T[]>(Array.isArray, { error: `a list of ${what} is expected`, abort: true })
    .superRefine((list, context) => {
      if (list.length === 0) refuse(context, { message: `a list of ${what} must not be empty`, limit: 1 });
      if (list.length > most) refuse(context, { message: `at most ${most} ${what} are expected`, limit: most });
    });
}

/**
 * Schema of an object with at most `most` fields, whose names the caller chooses. The caller adds the OpenAPI
 * description.
 */
export function objectField<T>(what: string, most: number) {
  return z
    .custom<Readonly<Record<string, T>>>(
      (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
      { error: `an object of ${what} by name is expected`, abort: true },
    )
    .superRefine((value, context) => {
      if (Object.keys(value).length > most)
        refuse(context, { message: `at most ${most} ${what} are expected`, limit: most });
    });
}

/**
 * Returns a function that checks the length of a text. The function returns null if the text has `least` to `most`
 * characters, otherwise the fault.
 */
export function textFault(what: string, least: number, most: number): (text: unknown) => Wrong | null {
  return (text) => {
    if (typeof text !== 'string') return { message: `${what} must be a string` };
    if (text.length < least) return { message: `${what} must have at least ${least} character`, limit: least };
    return text.length > most ? { message: `${what} must have at most ${most} characters`, limit: most } : null;
  };
}

/** Adds an issue for each item in which `wrongWith` finds a fault, up to `maximumIssues`. */
export function addFirstIssues<T, K extends string | number>(
  context: z.core.$RefinementCtx,
  items: Iterable<readonly [key: K, item: T]>,
  wrongWith: (item: T, key: K) => Wrong | null,
  maximumIssues: number,
): void {
  let issues = 0;
  for (const [key, item] of items) {
    const wrong = wrongWith(item, key);
    if (wrong === null) continue;
    addIssue(context, [key], wrong);
    issues += 1;
    if (issues >= maximumIssues) return;
  }
}

/** Adds the issues that a schema finds in the items, up to `maximumIssues`. An item may have several issues. */
export function addIssuesOf(
  context: z.core.$RefinementCtx,
  schema: z.ZodType,
  items: Iterable<readonly [key: string | number, item: unknown]>,
  maximumIssues: number,
): void {
  let issues = 0;
  for (const [key, item] of items) {
    for (const issue of schema.safeParse(item, { error: sentenceOf }).error?.issues ?? []) {
      context.issues.push({ ...issue, path: [key, ...issue.path], input: item } as z.core.$ZodRawIssue);
      issues += 1;
      if (issues >= maximumIssues) return;
    }
  }
}

/** Adds an issue for the value as a whole. */
function refuse(context: z.core.$RefinementCtx, { message, limit }: Wrong): void {
  context.addIssue({ code: 'custom', message, params: { limit }, continue: false });
}

function documentOf(schema: z.ZodType): object {
  const { $schema: _, ...document } = z.toJSONSchema(schema, { io: 'input' });
  return document;
}
