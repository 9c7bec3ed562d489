/**
 * Validates input with zod schemas. All faults are reported in one `invalid_request`, each with a pointer, value and
 * limit.
 */
import type { FastifySchemaCompiler, FastifySerializerCompiler } from 'fastify';
import type { z } from 'zod';
import { AppError, type ErrorDetail } from '../../../lib/errors.ts';
import { jsonPointer } from '../../../lib/json-pointer.ts';
import { sentenceOf } from './sentences.ts';

/**
 * Validator for Fastify. The first part of a request that violates its schema is refused, with all issues of this part.
 */
export const validatorCompiler: FastifySchemaCompiler<z.ZodType> = ({ schema, httpPart }) => {
  const what = WHAT[httpPart ?? ''] ?? 'the query';
  const isSurelyValid = SURELY_VALID.get(schema) ?? never;
  if (httpPart === 'querystring') return remembering(validate);
  return (input) => (isSurelyValid(input) ? { value: input } : validate(input));

  function validate(input: unknown): Validated {
    const result = schema.safeParse(input, CONTEXT);
    if (result.success) return { value: result.data };
    const details = result.error.issues.flatMap((issue) => detailsOf(issue, input, httpPart === 'body'));
    const first = details[0];
    const detail =
      first === undefined ? 'is not valid' : `is not valid: ${first.pointer || 'the value'}: ${first.message}`;
    return { error: new AppError('invalid_request', `${what} ${detail}`, { details }) };
  }
};

type Validated = { readonly value: unknown } | { readonly error: AppError };

/** Validates each query once: requests with the same query share it, see `createQueryParser`. */
function remembering(validate: (query: unknown) => Validated): (query: unknown) => Validated {
  const known = new WeakMap<object, Validated>();
  return (query) => {
    const found = known.get(query as object);
    if (found !== undefined) return found;
    const validated = validate(query);
    if ('value' in validated) known.set(query as object, { value: Object.freeze(validated.value) });
    return validated;
  };
}

/** Serialiser for Fastify. Converts the result of a handler to JSON with the schema of the response. */
export const serializerCompiler: FastifySerializerCompiler<z.ZodType> = ({ schema, method, url }) => {
  return (value) => {
    const result = schema.safeParse(value);
    if (result.success) return JSON.stringify(result.data);
    throw new Error(`the response of ${method} ${url} does not match its schema`, { cause: result.error });
  };
};

const SURELY_VALID = new WeakMap<z.ZodType, (input: unknown) => boolean>();

/**
 * Adds a quick check to a schema, for routes that take microseconds. Input that passes the quick check is accepted
 * unchanged. The schema checks any other input, and reports its faults.
 */
export function withQuickCheck<S extends z.ZodType>(schema: S, isSurelyValid: (input: unknown) => boolean): S {
  SURELY_VALID.set(schema, isSurelyValid);
  return schema;
}

/** Whether the input is an object with exactly these names, and with a valid text under each name. */
export function hasTexts(input: unknown, names: readonly string[], isValid: (text: string) => boolean): boolean {
  if (typeof input !== 'object' || input === null) return false;
  const texts = input as Readonly<Record<string, unknown>>;
  let fields = 0;
  for (const _ in texts) fields++;
  return fields === names.length && names.every((name) => typeof texts[name] === 'string' && isValid(texts[name]));
}

function never(): boolean {
  return false;
}

const CONTEXT = { error: sentenceOf };

const WHAT: Readonly<Record<string, string>> = { body: 'the body', params: 'the path', headers: 'a header' };

/** A fault in one item of the input. */
export interface Wrong {
  readonly message: string;
  readonly limit?: number;
}

/** Adds an issue at `path`, relative to the schema that is being checked. */
export function addIssue(context: z.core.$RefinementCtx, path: (string | number)[], { message, limit }: Wrong): void {
  context.addIssue({ code: 'custom', path, message, ...(limit === undefined ? {} : { params: { limit } }) });
}

function detailsOf(issue: z.core.$ZodIssue, input: unknown, isBody: boolean): ErrorDetail[] {
  if (issue.code === 'unrecognized_keys') {
    return issue.keys
      .slice(0, MAXIMUM_UNKNOWN_KEYS)
      .map((key) => detailOf([...issue.path, key], input, isBody, UNKNOWN_FIELD, undefined));
  }
  return [detailOf(issue.path, input, isBody, issue.message, limitOf(issue))];
}

/** The message for an unknown field. */
export const UNKNOWN_FIELD = 'is not a known field';

const MAXIMUM_UNKNOWN_KEYS = 20;

function detailOf(
  path: readonly PropertyKey[],
  input: unknown,
  isBody: boolean,
  message: string,
  limit: number | undefined,
): ErrorDetail {
  const value = valueAt(input, path);
  return {
    pointer: isBody ? jsonPointer(...path) : path.map(String).join('.'),
    message,
    ...(value === undefined ? {} : { value }),
    ...(limit === undefined ? {} : { limit }),
  };
}

function valueAt(input: unknown, path: readonly PropertyKey[]): unknown {
  let value = input;
  for (const key of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined;
    value = (value as Record<PropertyKey, unknown>)[key];
  }
  return value;
}

function limitOf(issue: z.core.$ZodIssue): number | undefined {
  if (issue.code === 'too_small') return Number(issue.minimum);
  if (issue.code === 'too_big') return Number(issue.maximum);
  const { limit } = issue.code === 'custom' ? (issue.params ?? {}) : {};
  return typeof limit === 'number' ? limit : undefined;
}
