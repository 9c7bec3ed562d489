/** Parses the bytes of an ONNX file into protobuf messages. */
import { fromBinary } from '@bufbuild/protobuf';
import { GraphError, messageOf } from '../errors.ts';
import { type ModelProto, ModelProtoSchema } from './generated/onnx_pb.ts';

/** Returns the protobuf messages of a file. A file that is empty, truncated or not protobuf causes a GraphError. */
export function parseModel(bytes: Uint8Array): ModelProto {
  if (bytes.length === 0) throw new GraphError('the file is empty: it is not an ONNX model');
  try {
    return fromBinary(ModelProtoSchema, bytes, { readUnknownFields: false });
  } catch (error) {
    // the protobuf reader reports every premature end as a RangeError
    const fault =
      error instanceof RangeError ? 'the file is truncated, or is not an ONNX model' : 'the file is not an ONNX model';
    throw new GraphError(`${fault}: ${messageOf(error)}`, { cause: error });
  }
}
