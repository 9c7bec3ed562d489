/** Takes the bytes of an ONNX file apart into protobuf messages. */
import { fromBinary } from '@bufbuild/protobuf';
import { type ModelProto, ModelProtoSchema } from 'onnx-buf';
import { messageOf } from '../lib/errors.ts';
import { GraphError } from './error.ts';

/** The messages of a file; one that is empty, cut off or no protobuf is a GraphError. */
export function parseModel(bytes: Uint8Array): ModelProto {
  if (bytes.length === 0) throw new GraphError('the file is empty: it is not an ONNX model');
  try {
    return fromBinary(ModelProtoSchema, bytes, { readUnknownFields: false });
  } catch (error) {
    // every end that comes too early is a RangeError of the protobuf reader
    const fault =
      error instanceof RangeError ? 'the file is cut off, or is not an ONNX model' : 'the file is not an ONNX model';
    throw new GraphError(`${fault}: ${messageOf(error)}`, { cause: error });
  }
}
