/** Converts the types of values to and from ValueInfoProto. */
import { create } from '@bufbuild/protobuf';
import { GraphError } from '../errors.ts';
import type { Value } from '../graph/ir.ts';
import { type DataType, type Dim, type TensorType, typeText } from '../graph/tensor.ts';
import {
  TensorShapeProto_DimensionSchema,
  TensorShapeProtoSchema,
  TypeProto_TensorSchema,
  TypeProtoSchema,
  type ValueInfoProto,
  ValueInfoProtoSchema,
} from './generated/onnx_pb.ts';
import { dataTypeOf, FILE_TYPES } from './proto-tensor.ts';

/** The type of a value as declared in a file. Parts that the file does not declare are null. */
export interface DeclaredType {
  readonly dtype: DataType | null;
  /**
   * The declared shape; null if the file does not even declare the rank. A dimension with neither a size nor a name is
   * null.
   */
  readonly shape: readonly (Dim | null)[] | null;
}

/**
 * Returns the type that `info` declares. If the value is not a tensor of a supported type, or has a negative size, a
 * GraphError with a message that begins with `what` is thrown.
 */
export function readType(info: ValueInfoProto, what: string): DeclaredType {
  const type = info.type?.value;
  if (type === undefined || type.case === undefined) return { dtype: null, shape: null };
  if (type.case !== 'tensorType')
    throw new GraphError(`${what} is a ${type.case.replace('Type', '')}, but only tensors are supported`);
  const { elemType, shape } = type.value;
  return {
    dtype: elemType === 0 ? null : dataTypeOf(elemType, what),
    shape:
      shape?.dim.map(({ value: dim }) => {
        if (dim.case === undefined || dim.value === '') return null;
        if (dim.case === 'dimParam') return dim.value;
        if (dim.value < 0n) throw new GraphError(`${what} has the negative size ${dim.value} in its shape`);
        if (dim.value > BigInt(Number.MAX_SAFE_INTEGER))
          throw new GraphError(`${what} has the impossible size ${dim.value} in its shape`);
        return Number(dim.value);
      }) ?? null,
  };
}

/**
 * Throws a GraphError if the type `found` contradicts the type `declared`. Names of dimensions never contradict each
 * other.
 */
export function checkDeclared(declared: DeclaredType, found: TensorType, what: string): void {
  const { dtype, shape } = declared;
  const fits =
    (dtype === null || dtype === found.dtype) &&
    (shape === null ||
      (shape.length === found.shape.length && shape.every((dim, i) => dimsAgree(dim, found.shape[i]!))));
  if (fits) return;
  const text = `${dtype ?? ''}${shape === null ? '' : `[${shape.map((dim) => dim ?? '?').join(', ')}]`}`;
  throw new GraphError(`${what} is declared as ${text}, but is ${typeText(found)}`);
}

export function writeType({ name, dtype, shape }: Value): ValueInfoProto {
  const dim = shape.map((size) =>
    create(TensorShapeProto_DimensionSchema, {
      value: typeof size === 'number' ? { case: 'dimValue', value: BigInt(size) } : { case: 'dimParam', value: size },
    }),
  );
  const tensor = create(TypeProto_TensorSchema, {
    elemType: FILE_TYPES[dtype],
    shape: create(TensorShapeProtoSchema, { dim }),
  });
  return create(ValueInfoProtoSchema, {
    name,
    type: create(TypeProtoSchema, { value: { case: 'tensorType', value: tensor } }),
  });
}

function dimsAgree(declared: Dim | null, found: Dim): boolean {
  return typeof declared !== 'number' || typeof found !== 'number' || declared === found;
}
