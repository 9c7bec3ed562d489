/** Values by JSON schema: valid ones and harmful ones. */
import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import fc from 'fast-check';
import type { ApiDocument, JsonSchema } from '../../fixture/api-document.ts';

/** Real values of a field or parameter by its name; none if the name is unknown. */
export type Pool = (name: string) => readonly string[];

/** Maximum depth to which a recursive schema is followed. */
const MAXIMUM_DEPTH = 6;
const MAXIMUM_ITEMS = 5;

/**
 * Makes arbitraries of values that fit a schema of the document. Examples and real values come often: chance alone
 * never hits them.
 */
export class Values {
  readonly #document: ApiDocument;
  readonly #pool: Pool;
  readonly #ajv = new Ajv2020({ strict: false });

  constructor(document: ApiDocument, pool: Pool) {
    this.#document = document;
    this.#pool = pool;
    addFormats.default(this.#ajv);
  }

  /** `name` is that of the field or parameter. */
  fitting(schema: JsonSchema, name = '', depth = 0): fc.Arbitrary<unknown> {
    if (depth > MAXIMUM_DEPTH) return fc.constant(null);
    const made = this.#made(schema, name, depth);
    const examples = examplesOf(schema);
    const shown = examples.length > 0 ? [{ weight: 1, arbitrary: fc.constantFrom(...examples) }] : [];
    return fc.oneof({ weight: 2, arbitrary: made }, ...shown);
  }

  /** Values of other types and beyond the bounds, which a schema refuses. */
  breaking(schema: JsonSchema): unknown[] {
    const isFitting = this.#ajv.compile({ ...schema, components: this.#document.components });
    return [null, true, 7, 1.5, -1, 1e12, '', 'x', 'x'.repeat(5_000), [], ['x'], {}, { x: 1 }].filter(
      (value) => !isFitting(value),
    );
  }

  #made(schema: JsonSchema, name: string, depth: number): fc.Arbitrary<unknown> {
    const { $ref, anyOf, oneOf, allOf } = schema as Record<string, JsonSchema[] | string | undefined>;
    if (typeof $ref === 'string')
      return this.fitting(this.#document.components.schemas[$ref.split('/').at(-1)!]!, name, depth);
    const choices = (anyOf ?? oneOf) as JsonSchema[] | undefined;
    if (choices) return fc.oneof(...choices.map((choice) => this.fitting(choice, name, depth + 1)));
    if (allOf) return this.#made(Object.assign({}, ...(allOf as JsonSchema[])), name, depth);
    if ('const' in schema) return fc.constant(schema['const']);
    if (Array.isArray(schema['enum'])) {
      const real = schema['enum'].filter((value) => this.#pool(name).includes(value));
      return fc.constantFrom(...(real.length > 0 ? real : schema['enum']));
    }
    const type = Array.isArray(schema['type']) ? schema['type'][0] : schema['type'];
    if (type === 'object') return this.#object(schema, name, depth);
    if (type === 'array') return this.#array(schema, name, depth);
    if (type === 'string') return this.#string(schema, name);
    if (type === 'integer') return this.#integer(schema, name);
    if (type === 'number') return fc.double({ ...boundsOf(schema), noNaN: true });
    if (type === 'boolean') return fc.boolean();
    if (type === 'null') return fc.constant(null);
    return fc.jsonValue({ maxDepth: 2 });
  }

  #integer(schema: JsonSchema, name: string): fc.Arbitrary<unknown> {
    const any = fc.integer(boundsOf(schema));
    const real = this.#pool(name).map(Number).filter(Number.isInteger);
    return real.length === 0 ? any : fc.oneof(fc.constantFrom(...real), any);
  }

  #object(schema: JsonSchema, name: string, depth: number): fc.Arbitrary<unknown> {
    const properties = (schema['properties'] ?? {}) as Record<string, JsonSchema>;
    const required = (schema['required'] ?? []) as string[];
    const fields = Object.fromEntries(
      Object.entries(properties).map(([name, child]) => [name, this.fitting(child, name, depth + 1)]),
    );
    const named = fc.record(fields, { requiredKeys: required.filter((key) => key in fields) }).map(inOrder);
    const { additionalProperties } = schema;
    if (typeof additionalProperties !== 'object' || additionalProperties === null) return named;
    const { propertyNames = { maxLength: 8 } } = schema as { readonly propertyNames?: JsonSchema };
    const others = fc.dictionary(
      this.#string({ ...propertyNames, maxLength: 8 }, `${name}.key`) as fc.Arbitrary<string>,
      this.fitting(additionalProperties as JsonSchema, `${name}.value`, depth + 1),
      {
        maxKeys: 2,
      },
    );
    return fc.tuple(named, others).map(([own, more]) => ({ ...more, ...own }));
  }

  #array(schema: JsonSchema, name: string, depth: number): fc.Arbitrary<unknown> {
    const least = Number(schema['minItems'] ?? 0);
    const most = Math.min(Number(schema['maxItems'] ?? MAXIMUM_ITEMS), least + MAXIMUM_ITEMS);
    const item = this.fitting((schema['items'] ?? {}) as JsonSchema, name, depth + 1);
    const some = fc.uniqueArray(item, { minLength: least, maxLength: most, selector: nameOf });
    const real = this.#pool(name);
    return real.length === 0
      ? some
      : fc.oneof(some, fc.subarray([...real], { minLength: Math.min(least, real.length) }));
  }

  #string(schema: JsonSchema, name: string): fc.Arbitrary<unknown> {
    const real = schema['format'] === 'date-time' ? [] : this.#pool(name);
    const least = Number(schema['minLength'] ?? 0);
    const most = Math.min(Number(schema['maxLength'] ?? 40), least + 40);
    const text =
      schema['format'] === 'date-time'
        ? fc.date({ noInvalidDate: true, min: new Date(0), max: new Date(1.7e12) }).map((date) => date.toISOString())
        : typeof schema['pattern'] === 'string'
          ? fc.stringMatching(new RegExp(schema['pattern']), { maxLength: most })
          : fc.string({ minLength: least, maxLength: most, unit: 'grapheme' });
    return real.length === 0
      ? text
      : fc.oneof({ weight: 3, arbitrary: fc.constantFrom(...real) }, { weight: 1, arbitrary: text });
  }
}

/** What no two items of a list may share, which no schema can say: the name of a cut; else nothing. */
function nameOf(item: unknown): unknown {
  return (item as { readonly name?: unknown } | null)?.name ?? Symbol();
}

/** Fields of which the first must not be above the second, which no schema can say. */
const ORDERED = [
  ['min', 'max'],
  ['from_size', 'to_size'],
  ['from_percent', 'to_percent'],
] as const;

function inOrder(fields: Record<string, unknown>): Record<string, unknown> {
  for (const [low, high] of ORDERED)
    if (Number(fields[low]) > Number(fields[high])) [fields[low], fields[high]] = [fields[high], fields[low]];
  return fields;
}

function examplesOf({ examples, example }: JsonSchema): unknown[] {
  const list = Array.isArray(examples) ? examples : [];
  return example === undefined ? list : [...list, example];
}

function boundsOf(schema: JsonSchema): { min: number; max: number } {
  const min = Number(schema['minimum'] ?? schema['exclusiveMinimum'] ?? -1e9);
  const max = Number(schema['maximum'] ?? schema['exclusiveMaximum'] ?? 1e9);
  return { min, max };
}

/** Values of the wrong type, size or alphabet. */
export const nasty: fc.Arbitrary<unknown> = fc.constantFrom<unknown>(
  null,
  true,
  0,
  -1,
  1.5,
  1e308,
  -0,
  2 ** 53,
  Number.MAX_SAFE_INTEGER + 2,
  '',
  ' ',
  '\u0000',
  '\ud800',
  '😀'.repeat(300),
  'x'.repeat(20_000),
  "'; DROP TABLE campaigns; --",
  '../../etc/passwd',
  '__proto__',
  'NaN',
  '1e3',
  '2026-13-45T99:99:99Z',
  [],
  [[]],
  [null],
  ['a', 1, {}],
  Array.from({ length: 2_000 }, (_, i) => i),
  {},
  { constructor: { prototype: 1 } },
  { toString: 'x', length: 1e9 },
);
