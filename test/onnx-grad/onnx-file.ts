/** Builds ONNX files by hand, as other programs would, and runs files in ONNX Runtime. */
import { create, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import { InferenceSession, Tensor as OrtTensor } from 'onnxruntime-node';
import { GraphError } from '../../packages/onnx-grad/src/errors.ts';
import type { DataType, Tensor } from '../../packages/onnx-grad/src/graph/tensor.ts';
import {
  type AttributeProto,
  AttributeProtoSchema,
  AttributeProto_AttributeType as AttributeType,
  GraphProtoSchema,
  ModelProtoSchema,
  type NodeProto,
  NodeProtoSchema,
  type TensorProto,
  TensorProtoSchema,
  type ValueInfoProto,
  ValueInfoProtoSchema,
} from '../../packages/onnx-grad/src/onnx/generated/onnx_pb.ts';
import { FILE_TYPES, writeTensor } from '../../packages/onnx-grad/src/onnx/proto-tensor.ts';

/** An attribute: an integer, integers, text, a tensor, or a whole AttributeProto. */
type Attribute = number | readonly number[] | string | Tensor | AttributeProto;

export interface FileModel {
  readonly opset?: number;
  readonly nodes?: readonly NodeProto[];
  readonly inputs?: readonly ValueInfoProto[];
  readonly outputs?: readonly ValueInfoProto[];
  readonly initializers?: readonly TensorProto[];
  readonly graph?: MessageInitShape<typeof GraphProtoSchema>;
  readonly model?: MessageInitShape<typeof ModelProtoSchema>;
}

export function node(
  opType: string,
  input: readonly string[],
  output: readonly string[],
  attributes: Readonly<Record<string, Attribute>> = {},
  rest: MessageInitShape<typeof NodeProtoSchema> = {},
): NodeProto {
  const attribute = Object.entries(attributes).map(([name, value]) => attributeProto(name, value));
  return create(NodeProtoSchema, { opType, input: [...input], output: [...output], attribute, ...rest });
}

export function attributeProto(name: string, value: Attribute): AttributeProto {
  if (typeof value === 'number')
    return create(AttributeProtoSchema, { name, type: AttributeType.INT, i: BigInt(value) });
  if (typeof value === 'string')
    return create(AttributeProtoSchema, { name, type: AttributeType.STRING, s: new Uint8Array(Buffer.from(value)) });
  if ('dtype' in value)
    return create(AttributeProtoSchema, { name, type: AttributeType.TENSOR, t: writeTensor(value) });
  if ('$typeName' in value) return value;
  return create(AttributeProtoSchema, { name, type: AttributeType.INTS, ints: value.map(BigInt) });
}

export function floatAttribute(name: string, value: number): AttributeProto {
  return create(AttributeProtoSchema, { name, type: AttributeType.FLOAT, f: value });
}

/** A tensor of `dtype`; a null dimension has neither a size nor a name, a null shape not even a rank. */
export function typed(
  name: string,
  dtype: DataType,
  shape: readonly (number | string | null)[] | null,
): ValueInfoProto {
  const dim = shape?.map((size) => {
    if (size === null) return {};
    if (typeof size === 'string') return { value: { case: 'dimParam' as const, value: size } };
    return { value: { case: 'dimValue' as const, value: BigInt(size) } };
  });
  const value = { elemType: FILE_TYPES[dtype], ...(dim ? { shape: { dim } } : {}) };
  return create(ValueInfoProtoSchema, { name, type: { value: { case: 'tensorType', value } } });
}

export function raw(fields: MessageInitShape<typeof TensorProtoSchema>): TensorProto {
  return create(TensorProtoSchema, fields);
}

export function initializer(name: string, data: Tensor): TensorProto {
  return Object.assign(writeTensor(data), { name });
}

/** The bytes of a model; `graph` and `model` override fields of the messages. */
export function modelFile({
  opset = 18,
  nodes = [],
  inputs = [],
  outputs = [],
  initializers = [],
  graph,
  model,
}: FileModel): Uint8Array {
  return toBinary(
    ModelProtoSchema,
    create(ModelProtoSchema, {
      irVersion: 8n,
      opsetImport: [{ domain: '', version: BigInt(opset) }],
      graph: create(GraphProtoSchema, {
        name: 'main',
        node: [...nodes],
        input: [...inputs],
        output: [...outputs],
        initializer: [...initializers],
        ...graph,
      }),
      ...model,
    }),
  );
}

/** Loads `bytes` in ONNX Runtime, which checks them. `asItIs` disables fusion, which rounds differently. */
export function openSession(bytes: Uint8Array, { asItIs = false } = {}): Promise<InferenceSession> {
  return InferenceSession.create(bytes, {
    executionProviders: ['cpu'],
    intraOpNumThreads: 1,
    logSeverityLevel: 4,
    graphOptimizationLevel: asItIs ? 'disabled' : 'all',
  });
}

/** All outputs of `bytes` on `feeds`, as ONNX Runtime computes them. */
export async function runModel(
  bytes: Uint8Array,
  feeds: Readonly<Record<string, Tensor>>,
  options: { readonly asItIs?: boolean } = {},
): Promise<Record<string, Tensor>> {
  const session = await openSession(bytes, options);
  return runSession(session, feeds).finally(() => session.release());
}

/** All outputs of an open session on `feeds`. */
async function runSession(
  session: InferenceSession,
  feeds: Readonly<Record<string, Tensor>>,
): Promise<Record<string, Tensor>> {
  const given: Record<string, OrtTensor> = {};
  for (const [name, { dtype, data, shape }] of Object.entries(feeds))
    given[name] = new OrtTensor(dtype, data as never, shape);
  const results = await session.run(given);
  const outputs: Record<string, Tensor> = {};
  for (const [name, { type, data, dims }] of Object.entries(results))
    outputs[name] = { dtype: type as DataType, data: data as Tensor['data'], shape: [...dims] };
  return outputs;
}

/** The message of the GraphError with which a model is refused. */
export function refusal(act: () => unknown): string {
  try {
    act();
  } catch (error) {
    if (error instanceof GraphError) return error.message;
    throw error;
  }
  throw new Error('it was read');
}
