/**
 * Answers are response schemas that name each field once. An answer is a zod schema that converts a value of the domain
 * to JSON. The OpenAPI document shows the output of the answer, and the serialiser of a route applies the answer to the
 * handler's result.
 */
import { z } from 'zod';
import type { Page } from '../../../domain/pages.ts';

/** `audience_version` becomes `audienceVersion`. */
type CamelCase<Name extends string> = Name extends `${infer Head}_${infer Tail}`
  ? `${Head}${Capitalize<CamelCase<Tail>>}`
  : Name;

type IsRead<Value, Name, Field> = Name extends keyof Value
  ? Value[Name] extends z.input<Field>
    ? true
    : false
  : false;

/**
 * Functions that read fields from the value. A function is required for each field that the value does not have under
 * the same name.
 */
type Sources<Value, Fields extends z.core.$ZodShape> = {
  readonly [Name in keyof Fields & string as IsRead<Value, CamelCase<Name>, Fields[Name]> extends true
    ? never
    : Name]: (value: Value) => z.input<Fields[Name]>;
} & { readonly [Name in keyof Fields & string]?: (value: Value) => z.input<Fields[Name]> };

type Rest<S> = Record<never, never> extends S ? [sources?: S] : [sources: S];

/** Metadata of an answer for the OpenAPI document. An answer with an id becomes a component. */
interface AnswerMeta {
  readonly id?: string;
  readonly description?: string;
  readonly examples?: readonly unknown[];
}

/**
 * Creates the answer for an object. For example, the field `audience_version` is read from the value's
 * `audienceVersion`, unless `sources` has a function for the field. A field without a source is a compile error if its
 * type differs.
 */
export function answerOf<Value>() {
  return <Fields extends z.core.$ZodShape>(
    meta: AnswerMeta,
    fields: Fields,
    ...[sources]: Rest<Sources<Value, Fields>>
  ) => {
    const given = (sources ?? {}) as Readonly<Record<string, ((value: Value) => unknown) | undefined>>;
    const readers = Object.keys(fields).map((name) => {
      const own = camelCase(name) as keyof Value;
      return [name, given[name] ?? ((value: Value) => value[own])] as const;
    });
    const wire = z.object(fields).meta(meta as Readonly<Record<string, unknown>>);
    const read = (value: Value) => Object.fromEntries(readers.map(([name, reader]) => [name, reader(value)]));
    return toJson(z.transform(read), wire);
  };
}

/** The field that leads to the next page. */
export const nextCursor = z.string().nullable().describe('Cursor of the next page; `null` on the last page.');

/** A page of answers. */
export function pageOf<Item extends z.ZodType>(id: string, item: Item, description = 'A page of items, newest first.') {
  const wire = z.object({ items: z.array(item).readonly(), next_cursor: nextCursor });
  const read = (page: Page<z.input<Item>>) => ({ items: page.items, next_cursor: page.nextCursor });
  return toJson(z.transform(read), wire.meta({ id, description }));
}

/** Joins two schemas, because the compiler cannot infer that the output of `read` is the input of `wire`. */
function toJson<Value, Wire extends z.ZodType>(read: z.ZodTransform<unknown, Value>, wire: Wire) {
  return read.pipe(wire as z.ZodType) as z.ZodPipe<z.ZodTransform<unknown, Value>, Wire>;
}

/** `audience_version` becomes `audienceVersion`. */
function camelCase(name: string): string {
  return name.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase());
}

type InCamelCase<Body> = {
  [Name in keyof Body as Name extends string ? CamelCase<Name> : never]: Exclude<Body[Name], undefined>;
};

/** The given fields of a body under their names in the domain. Fields that are not given are left out. */
export function inCamelCase<Body extends object>(body: Body): InCamelCase<Body> {
  const given = Object.entries(body).filter(([, value]) => value !== undefined);
  return Object.fromEntries(given.map(([name, value]) => [camelCase(name), value])) as InCamelCase<Body>;
}
