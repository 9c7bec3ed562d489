/** Converts tensors to and from TensorProto. The sizes given in a file are checked before memory is allocated. */
import { create } from '@bufbuild/protobuf';
import { GraphError } from '../errors.ts';
import { BYTES_PER_ELEMENT, type DataType, type Tensor, type TensorData, tensor, typeText } from '../graph/tensor.ts';
import {
  type TensorProto,
  TensorProto_DataLocation,
  TensorProto_DataType,
  TensorProto_DataTypeSchema,
  TensorProtoSchema,
} from './generated/onnx_pb.ts';

/** ONNX's codes for the element types that a graph supports. */
export const FILE_TYPES: { readonly [K in DataType]: TensorProto_DataType } = {
  float32: TensorProto_DataType.FLOAT,
  float64: TensorProto_DataType.DOUBLE,
  int64: TensorProto_DataType.INT64,
  int32: TensorProto_DataType.INT32,
  bool: TensorProto_DataType.BOOL,
};

/**
 * Returns the element type with this ONNX code. An unsupported code causes a GraphError with a message that begins with
 * `what` and says how to cast.
 */
export function dataTypeOf(code: number, what: string): DataType {
  for (const [dtype, known] of Object.entries(FILE_TYPES)) if (known === code) return dtype as DataType;
  const name = TensorProto_DataTypeSchema.values.find(({ number }) => number === code)?.name.toLowerCase();
  if (name === undefined) throw new GraphError(`${what} has type ${code}, which ONNX does not define`);
  if (name === 'undefined') throw new GraphError(`${what} has no data type`);
  throw new GraphError(`${what} is ${name}, which is not supported: ${adviceFor(name)} before the export`);
}

/** Reads a tensor from a file. An unsupported type, external data or a size that does not match causes a GraphError. */
export function readTensor(proto: TensorProto, what: string, inPlace = false): Tensor {
  const dtype = dataTypeOf(proto.dataType, what);
  if (proto.dataLocation === TensorProto_DataLocation.EXTERNAL || proto.externalData.length > 0) {
    throw new GraphError(
      `${what} keeps its data in another file (external data), which is not read: save the model with its ` +
        'data inside, in Python onnx.save_model(model, path, save_as_external_data=False)',
    );
  }
  if (proto.segment) throw new GraphError(`${what} is split into segments, which are not supported`);
  const { shape, count } = readDims(proto.dims, what);
  const typed = typedData(proto, dtype);
  if (proto.rawData.length > 0 && typed.length > 0) throw new GraphError(`${what} has both raw and typed data`);
  const text = typeText({ dtype, shape });
  if (typed.length > 0 || count === 0n) {
    if (BigInt(typed.length) !== count || proto.rawData.length > 0) {
      const held = proto.rawData.length > 0 ? `${proto.rawData.length} bytes` : `${typed.length}`;
      throw new GraphError(`${what} is ${text} and needs ${count} elements, but the file has ${held}`);
    }
    return dtype === 'int64'
      ? { dtype, shape, data: BigInt64Array.from(proto.int64Data) }
      : tensor(dtype, shape, dtype === 'bool' ? proto.int32Data.map(Boolean).map(Number) : (typed as number[]));
  }
  const needed = count * BigInt(BYTES_PER_ELEMENT[dtype]);
  if (BigInt(proto.rawData.length) !== needed) {
    throw new GraphError(`${what} is ${text} and needs ${needed} bytes, but the file has ${proto.rawData.length}`);
  }
  const isMoved = inPlace && dtype === 'float32' && proto.rawData.length >= LARGE_BYTES;
  return { dtype, shape, data: isMoved ? alignedFloats(proto.rawData) : fromBytes(dtype, proto.rawData) };
}

/** Returns the size in bytes that the data of a tensor must have, and the type of the tensor as text. */
export function sizeOfTensor(proto: TensorProto, what: string): { bytes: bigint; text: string } {
  const dtype = dataTypeOf(proto.dataType, what);
  const { shape, count } = readDims(proto.dims, what);
  return { bytes: count * BigInt(BYTES_PER_ELEMENT[dtype]), text: typeText({ dtype, shape }) };
}

/** Returns the TensorProto of `source` without copying its data. A tensor in an attribute has no name. */
export function writeTensor(source: Tensor, name?: string): TensorProto {
  const { buffer, byteOffset, byteLength } = source.data;
  return create(TensorProtoSchema, {
    ...(name === undefined ? {} : { name }),
    dims: source.shape.map(BigInt),
    dataType: FILE_TYPES[source.dtype],
    rawData: new Uint8Array(buffer as ArrayBuffer, byteOffset, byteLength),
  });
}

function adviceFor(name: string): string {
  if (name === 'string') return 'map its strings to integer ids';
  if (name.startsWith('complex')) return 'split it into its real and imaginary parts';
  if (/^u?int[48]$/.test(name))
    return 'if the model is quantised, import the float model; otherwise cast this to int32 or int64';
  if (/^u?int/.test(name)) return `cast it to ${name === 'uint32' || name === 'uint64' ? 'int64' : 'int32 or int64'}`;
  return 'cast it to float32 (in PyTorch: model.float())';
}

function readDims(dims: readonly bigint[], what: string): { shape: number[]; count: bigint } {
  const text = `[${dims.join(', ')}]`;
  for (const dim of dims) {
    if (dim < 0n) throw new GraphError(`${what} has the negative size ${dim} in its shape ${text}`);
    if (dim > BigInt(Number.MAX_SAFE_INTEGER)) throw new GraphError(`${what} has the impossible shape ${text}`);
  }
  return { shape: dims.map(Number), count: dims.reduce((product, dim) => product * dim, 1n) };
}

/** The elements of a tensor that stores typed data instead of raw data. */
function typedData(proto: TensorProto, dtype: DataType): readonly (number | bigint)[] {
  if (dtype === 'float32') return proto.floatData;
  if (dtype === 'float64') return proto.doubleData;
  return dtype === 'int64' ? proto.int64Data : proto.int32Data;
}

/** Minimum size of a tensor that is read in place, in bytes. Copying smaller tensors needs little memory. */
const LARGE_BYTES = 1024 * 1024;

/**
 * Returns a view of `bytes` as floats. Unaligned data is first moved down by up to three bytes, over the tag and the
 * length of the protobuf field. Tag and length have already been read, and occupy more than three bytes for tensors of
 * this size.
 */
function alignedFloats(bytes: Uint8Array): Float32Array {
  const { buffer, byteOffset, length } = bytes;
  const aligned = byteOffset - (byteOffset % Float32Array.BYTES_PER_ELEMENT);
  new Uint8Array(buffer).copyWithin(aligned, byteOffset, byteOffset + length);
  return new Float32Array(buffer as ArrayBuffer, aligned, length / Float32Array.BYTES_PER_ELEMENT);
}

/**
 * Copies the data of a tensor, because data in a file may be unaligned. ONNX files are little-endian, like all machines
 * that ONNX Runtime supports.
 */
function fromBytes(dtype: DataType, bytes: Uint8Array): TensorData {
  const copy = new Uint8Array(bytes);
  switch (dtype) {
    case 'float32':
      return new Float32Array(copy.buffer);
    case 'float64':
      return new Float64Array(copy.buffer);
    case 'int64':
      return new BigInt64Array(copy.buffer);
    case 'int32':
      return new Int32Array(copy.buffer);
    case 'bool':
      return copy.map((byte) => (byte === 0 ? 0 : 1));
  }
}
