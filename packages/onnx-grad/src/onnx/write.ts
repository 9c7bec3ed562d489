/**
 * Writes graphs as ONNX files with opset 18 and raw data. The types of all values are declared. Equal graphs produce
 * equal bytes.
 */
import { create, toBinary } from '@bufbuild/protobuf';
import { GraphError } from '../errors.ts';
import type { Graph } from '../graph/ir.ts';
import type { Tensor } from '../graph/tensor.ts';
import { OPSET } from './convert-opset.ts';
import {
  AttributeProtoSchema,
  AttributeProto_AttributeType as AttributeType,
  GraphProtoSchema,
  ModelProtoSchema,
  type NodeProto,
  NodeProtoSchema,
  OperatorSetIdProtoSchema,
  StringStringEntryProtoSchema,
} from './generated/onnx_pb.ts';
import { writeAttributes } from './proto-attributes.ts';
import { writeTensor } from './proto-tensor.ts';
import { writeType } from './proto-types.ts';

/** The IR version of written files, which was introduced with opset 18. */
const IR_VERSION = 8n;
/** The maximum size of a protobuf file. */
const MAXIMUM_FILE_BYTES = 2 ** 31 - 1;

export interface WriteOptions {
  /** The name of the producer in the file. Default: `onnx-grad`. */
  readonly producer?: string;
  /** Metadata to store with the model. Entries are written in the order of their keys. */
  readonly metadata?: Readonly<Record<string, string>>;
}

/**
 * Returns `graph` as the bytes of an ONNX file. `readModel` returns an equal graph for these bytes, except for
 * `overrides`, which are not stored. Tensors that exceed 2 GiB in total cause a GraphError.
 */
export function writeModel(graph: Graph, { producer = 'onnx-grad', metadata = {} }: WriteOptions = {}): Uint8Array {
  checkSize(graph);
  const given = new Set(graph.outputs);
  const between = graph.nodes.flatMap((node) => node.outputs).filter((name) => !given.has(name));
  const info = (names: readonly string[]) => names.map((name) => writeType(graph.values.get(name)!));
  const model = create(ModelProtoSchema, {
    irVersion: IR_VERSION,
    opsetImport: [create(OperatorSetIdProtoSchema, { domain: '', version: BigInt(OPSET) })],
    producerName: producer,
    graph: create(GraphProtoSchema, {
      name: graph.name,
      initializer: [...graph.initializers].map(([name, data]) => writeTensor(data, name)),
      node: [...[...graph.constants].map(constantNode), ...graph.nodes.map(writeNode)],
      input: info(graph.inputs),
      output: info(graph.outputs),
      valueInfo: info(between),
    }),
    metadataProps: Object.entries(metadata)
      .sort(([a], [c]) => (a < c ? -1 : 1))
      .map(([key, value]) => create(StringStringEntryProtoSchema, { key, value })),
  });
  return toBinary(ModelProtoSchema, model);
}

/** Checks the size before writing, because protobuf would copy gigabytes before failing. */
function checkSize(graph: Graph): void {
  let bytes = 0;
  for (const { data } of [...graph.initializers.values(), ...graph.constants.values()]) bytes += data.byteLength;
  if (bytes > MAXIMUM_FILE_BYTES)
    throw new GraphError(
      `the tensors take ${bytes} bytes, but an ONNX file without external data can have at most 2 GiB`,
    );
}

/**
 * Returns the Constant node for a constant. The node has no name, because the constant's name is used for the value,
 * and ONNX Runtime rejects two nodes with the same name.
 */
function constantNode([name, data]: readonly [string, Tensor]): NodeProto {
  const value = create(AttributeProtoSchema, { name: 'value', type: AttributeType.TENSOR, t: writeTensor(data) });
  return create(NodeProtoSchema, { opType: 'Constant', output: [name], attribute: [value] });
}

function writeNode(node: Graph['nodes'][number]): NodeProto {
  return create(NodeProtoSchema, {
    opType: node.op,
    name: node.name,
    input: [...node.inputs],
    output: [...node.outputs],
    attribute: writeAttributes(node.op, node.attributes),
  });
}
