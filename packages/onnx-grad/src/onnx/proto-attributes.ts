/** Converts node attributes to and from AttributeProto, as specified in the table of ops. */
import { create } from '@bufbuild/protobuf';
import { assert, GraphError } from '../errors.ts';
import { type DataType, numbersOf, tensor } from '../graph/tensor.ts';
import type { AttributeKind, OpAttributes, OpType } from '../ops/attributes.ts';
import { OPS } from '../ops/table.ts';
import {
  type AttributeProto,
  AttributeProtoSchema,
  AttributeProto_AttributeType as AttributeType,
  AttributeProto_AttributeTypeSchema as AttributeTypeSchema,
  type TensorProto,
} from './generated/onnx_pb.ts';
import { dataTypeOf, FILE_TYPES, readTensor, writeTensor } from './proto-tensor.ts';

type RequiredKeys<T> = { [A in keyof T]-?: Record<never, never> extends Pick<T, A> ? never : A }[keyof T];
type Numbers = { readonly value: number; readonly dtype: DataType };

/** The required attributes of each op. The project does not compile if an op is missing. */
const REQUIRED: {
  readonly [K in OpType as RequiredKeys<OpAttributes[K]> extends never ? never : K]: readonly RequiredKeys<
    OpAttributes[K]
  >[];
} = { Cast: ['to'], Concat: ['axis'], Einsum: ['equation'], Transpose: ['perm'] };

const STORED_AS: { readonly [K in AttributeKind]: AttributeType } = {
  int: AttributeType.INT,
  dtype: AttributeType.INT,
  float: AttributeType.FLOAT,
  ints: AttributeType.INTS,
  string: AttributeType.STRING,
  fill: AttributeType.TENSOR,
};

/**
 * Returns the attributes of a node with op `op`. An unknown, missing or mistyped attribute causes a GraphError with a
 * message that begins with `where`.
 */
export function readAttributes<K extends OpType>(
  op: K,
  attributes: ReadonlyMap<string, AttributeProto>,
  where: string,
): OpAttributes[K] {
  const read = readAttributesOf(OPS[op].attributes, attributes, where);
  for (const name of (REQUIRED as Readonly<Record<string, readonly string[]>>)[op] ?? []) {
    if (!Object.hasOwn(read, name)) throw new GraphError(`${where} lacks the attribute "${name}"`);
  }
  return read as OpAttributes[K];
}

/**
 * Returns the attributes by name; `kinds` contains their types. No attribute is required. An unknown or mistyped
 * attribute causes a GraphError with a message that begins with `where`.
 */
export function readAttributesOf(
  kinds: Readonly<Record<string, AttributeKind>>,
  attributes: ReadonlyMap<string, AttributeProto>,
  where: string,
): Readonly<Record<string, unknown>> {
  const read: Record<string, unknown> = {};
  for (const [name, attribute] of attributes) {
    const kind = Object.hasOwn(kinds, name) ? kinds[name]! : undefined;
    // in a file, ConstantOfShape has one attribute, the tensor `value`; only a graph has a separate attribute for the
    // element type
    if (kind === undefined || (kind === 'fill' && name !== 'value'))
      throw new GraphError(`${where} has the attribute "${name}", which is not supported`);
    const what = `attribute "${name}" of ${where}`;
    if (attribute.type !== STORED_AS[kind]) {
      const [found, wanted] = [attribute.type, STORED_AS[kind]].map(nameOf);
      throw new GraphError(`${what} is ${found}, not ${wanted}`);
    }
    if (kind === 'fill') Object.assign(read, readFill(attribute, what));
    else read[name] = readOne(attribute, kind, what);
  }
  return read;
}

/**
 * Returns the AttributeProtos of a node, in the order of the table of ops. Floats are rounded to float32, the only
 * float type for attributes in a file.
 */
export function writeAttributes<K extends OpType>(op: K, attributes: OpAttributes[K]): AttributeProto[] {
  const kinds: Readonly<Record<string, AttributeKind>> = OPS[op].attributes;
  const given: Readonly<Record<string, unknown>> = attributes;
  const written: AttributeProto[] = [];
  for (const [name, kind] of Object.entries(kinds)) {
    if (kind === 'fill') {
      if (name === 'value' && Object.keys(given).length > 0) written.push(fillAttribute(given as Partial<Numbers>));
    } else if (given[name] !== undefined) written.push(writeOne(name, kind, given[name]));
  }
  return written;
}

/** Returns the elements of an INTS attribute as numbers. */
export function intsOf(attribute: AttributeProto, what: string): number[] {
  if (attribute.type !== AttributeType.INTS) throw new GraphError(`${what} is ${nameOf(attribute.type)}, not INTS`);
  return attribute.ints.map((value) => integerOf(value, what));
}

export function textOf(attribute: AttributeProto): string {
  return Buffer.from(attribute.s).toString('utf8');
}

export function intAttribute(name: string, value: number): AttributeProto {
  return create(AttributeProtoSchema, { name, type: AttributeType.INT, i: BigInt(value) });
}

export function intsAttribute(name: string, values: readonly number[]): AttributeProto {
  return create(AttributeProtoSchema, { name, type: AttributeType.INTS, ints: values.map(BigInt) });
}

export function tensorAttribute(name: string, t: TensorProto): AttributeProto {
  return create(AttributeProtoSchema, { name, type: AttributeType.TENSOR, t });
}

function nameOf(type: AttributeType): string {
  return AttributeTypeSchema.value[type]!.name;
}

function integerOf(value: bigint, what: string): number {
  const number = Number(value);
  if (!Number.isSafeInteger(number)) throw new GraphError(`${what} is ${value}, which is beyond 2^53`);
  return number;
}

function readFill(attribute: AttributeProto, what: string): Numbers {
  if (!attribute.t) throw new GraphError(`${what} contains no tensor`);
  const fill = readTensor(attribute.t, what);
  if (fill.data.length !== 1) throw new GraphError(`${what} has ${fill.data.length} elements, not 1`);
  const value = numbersOf(fill)[0]!;
  if (fill.dtype === 'int64') integerOf((fill.data as BigInt64Array)[0]!, what);
  return { value, dtype: fill.dtype };
}

function fillAttribute({ value = 0, dtype = 'float32' }: Partial<Numbers>): AttributeProto {
  const t = writeTensor(tensor(dtype, [1], [value]));
  return tensorAttribute('value', t);
}

function readOne(attribute: AttributeProto, kind: Exclude<AttributeKind, 'fill'>, what: string): unknown {
  switch (kind) {
    case 'int':
      return integerOf(attribute.i, what);
    case 'dtype':
      return dataTypeOf(integerOf(attribute.i, what), what);
    case 'float':
      return attribute.f;
    case 'ints':
      return intsOf(attribute, what);
    case 'string':
      return textOf(attribute);
  }
}

function writeOne(name: string, kind: Exclude<AttributeKind, 'fill'>, value: unknown): AttributeProto {
  const type = STORED_AS[kind];
  switch (kind) {
    case 'int':
      assert(Number.isSafeInteger(value), `attribute "${name}" is an integer`);
      return create(AttributeProtoSchema, { name, type, i: BigInt(value as number) });
    case 'dtype':
      return create(AttributeProtoSchema, { name, type, i: BigInt(FILE_TYPES[value as DataType]) });
    case 'float':
      return create(AttributeProtoSchema, { name, type, f: value as number });
    case 'ints':
      return intsAttribute(name, value as readonly number[]);
    case 'string':
      return create(AttributeProtoSchema, { name, type, s: new Uint8Array(Buffer.from(value as string)) });
  }
}
