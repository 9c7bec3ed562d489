/**
 * Reads the external data of an ONNX file, but only from the model's folder. All sizes are checked before any data is
 * read.
 */
import { closeSync, constants, fstatSync, openSync, readSync, realpathSync } from 'node:fs';
import { join, posix, sep } from 'node:path';
import { toBinary } from '@bufbuild/protobuf';
import { GraphError, messageOf } from '../errors.ts';
import {
  type GraphProto,
  type ModelProto,
  ModelProtoSchema,
  type NodeProto,
  type TensorProto,
  TensorProto_DataLocation,
} from './generated/onnx_pb.ts';
import { parseModel } from './parse-model.ts';
import { sizeOfTensor } from './proto-tensor.ts';

/**
 * The files next to a model, addressed by the locations given in tensors. Accessing a file that may not be read throws
 * a GraphError.
 */
export interface ExternalFiles {
  sizeBytes(location: string): number;
  read(location: string, offset: number, length: number): Uint8Array;
}

/** A tensor from a file, and its description for error messages. */
interface Named {
  readonly proto: TensorProto;
  readonly what: string;
}

/** Where a tensor's data is stored, according to the ONNX file. */
interface Claim extends Named {
  readonly location: string;
  readonly offset: number;
  readonly length: number;
}

/**
 * Maximum total size of a model's external data, equal to the limit for data inside the file. Tensors that share a
 * region are counted separately.
 */
const MAXIMUM_BYTES = 2 ** 31 - 1;
/** Maximum length of one read, in bytes. Node.js rejects lengths over 2^31 - 1. */
const READ_BYTES = 64 * 1024 * 1024;

/**
 * Loads external data into the tensors of `model`, after checking all locations and sizes. A location outside the
 * folder, a file that is too short or a length that does not match the tensor causes a GraphError.
 */
export function embedExternalData(model: ModelProto, files: ExternalFiles): void {
  const claims = tensorsOf(model)
    .filter(({ proto }) => isExternal(proto))
    .map(({ proto, what }) => readClaim(proto, what));
  const total = claims.reduce((sum, { length }) => sum + length, 0);
  if (total > MAXIMUM_BYTES)
    throw new GraphError(`the model has ${total} bytes of external data; at most ${MAXIMUM_BYTES} are supported`);
  for (const { what, location, offset, length } of claims) {
    const size = files.sizeBytes(location);
    if (offset + length > size)
      throw new GraphError(
        `${what} needs the bytes ${offset} to ${offset + length} of ${location}, which has only ${size} bytes`,
      );
  }
  for (const { proto, location, offset, length } of claims) {
    Object.assign(proto, {
      rawData: files.read(location, offset, length),
      externalData: [],
      dataLocation: TensorProto_DataLocation.DEFAULT,
    });
  }
}

/**
 * Returns the model in `bytes` as a file that contains all data; if no data is external, the bytes are unchanged.
 * Throws the same errors as `readModel`.
 */
export function selfContained(bytes: Uint8Array, files: ExternalFiles): Uint8Array {
  const model = parseModel(bytes);
  if (!tensorsOf(model).some(({ proto }) => isExternal(proto))) return bytes;
  embedExternalData(model, files);
  return toBinary(ModelProtoSchema, model);
}

/**
 * Gives access to the files of `folder`. A name or link that points outside the folder, or to anything other than a
 * file, causes a GraphError.
 */
export function filesIn(folder: string): ExternalFiles {
  const withFile = <T>(location: string, use: (descriptor: number) => T): T => {
    const path = pathInside(folder, location);
    // the file is opened without blocking, because the path could name a pipe, which is rejected below
    const descriptor = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    try {
      if (!fstatSync(descriptor).isFile()) throw new GraphError(`external data "${location}" is not a file`);
      return use(descriptor);
    } finally {
      closeSync(descriptor);
    }
  };
  return {
    sizeBytes: (location) => withFile(location, (descriptor) => fstatSync(descriptor).size),
    read: (location, offset, length) =>
      withFile(location, (descriptor) => {
        const out = new Uint8Array(length);
        for (let at = 0; at < length; ) {
          const count = readSync(descriptor, out, at, Math.min(READ_BYTES, length - at), offset + at);
          if (count === 0) throw new GraphError(`external data "${location}" became shorter while it was read`);
          at += count;
        }
        return out;
      }),
  };
}

/**
 * Gives access to files in memory. `get` returns the contents of a file by its path inside the folder, such as
 * `data/weights.bin`.
 */
export function filesFrom(get: (path: string) => Uint8Array): ExternalFiles {
  const contents = (location: string) => get(posix.normalize(checkLocation(location)));
  return {
    sizeBytes: (location) => contents(location).length,
    read: (location, offset, length) => contents(location).subarray(offset, offset + length),
  };
}

/** All tensors of a file that may have external data: initializers and attributes, including those in subgraphs. */
function tensorsOf({ graph, functions }: ModelProto): Named[] {
  return [...(graph ? tensorsOfGraph(graph) : []), ...functions.flatMap(({ node }) => node.flatMap(tensorsOfNode))];
}

function tensorsOfGraph({ initializer, node }: GraphProto): Named[] {
  return [
    ...initializer.map((proto) => ({ proto, what: `initializer "${proto.name}"` })),
    ...node.flatMap(tensorsOfNode),
  ];
}

function tensorsOfNode({ opType, output, attribute }: NodeProto): Named[] {
  return attribute.flatMap(({ name, t, g }) => [
    ...(t ? [{ proto: t, what: `attribute "${name}" of the ${opType} node with output "${output[0] ?? ''}"` }] : []),
    ...(g ? tensorsOfGraph(g) : []),
  ]);
}

function isExternal({ dataLocation, externalData }: TensorProto): boolean {
  return dataLocation === TensorProto_DataLocation.EXTERNAL || externalData.length > 0;
}

function readClaim(proto: TensorProto, what: string): Claim {
  const entries = new Map(proto.externalData.map(({ key, value }) => [key, value]));
  if (entries.size < proto.externalData.length) throw new GraphError(`${what} repeats an entry of its external data`);
  if (proto.rawData.length > 0) throw new GraphError(`${what} has data both inside the file and in another file`);
  const location = entries.get('location');
  if (location === undefined) throw new GraphError(`${what} does not name the file that contains its data`);
  checkLocation(location);
  const number = (key: string): number | undefined => {
    const text = entries.get(key);
    if (text === undefined) return undefined;
    if (!/^\d{1,16}$/.test(text) || !Number.isSafeInteger(Number(text)))
      throw new GraphError(`${what} has the ${key} "${text}" in ${location}, but a number of bytes is expected`);
    return Number(text);
  };
  const { bytes, text } = sizeOfTensor(proto, what);
  const length = number('length');
  if (length !== undefined && BigInt(length) !== bytes)
    throw new GraphError(`${what} is ${text} and needs ${bytes} bytes, but refers to ${length} bytes of ${location}`);
  if (bytes > BigInt(MAXIMUM_BYTES))
    throw new GraphError(`${what} is ${text} and needs ${bytes} bytes; at most ${MAXIMUM_BYTES} are supported`);
  return { proto, what, location, offset: number('offset') ?? 0, length: Number(bytes) };
}

/** Returns `location`. A location that could point outside the folder on any operating system causes a GraphError. */
function checkLocation(location: string): string {
  const parts = location.split(/[/\\]/);
  if (location === '' || location.includes('\0'))
    throw new GraphError(`external data is in "${location}", which is not a file name`);
  if (parts[0] === '' || /^[a-z]:/i.test(location) || parts.includes('..'))
    throw new GraphError(
      `external data is in "${location}", which is outside the model's folder: put the file next to the model`,
    );
  return location;
}

function pathInside(folder: string, location: string): string {
  checkLocation(location);
  let root: string;
  let path: string;
  try {
    root = realpathSync(folder);
    path = realpathSync(join(root, location));
  } catch (error) {
    const isMissing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    const reason = isMissing ? 'does not exist: it must be next to the model' : `cannot be read: ${messageOf(error)}`;
    throw new GraphError(`external data "${location}" ${reason}`, { cause: error });
  }
  if (!path.startsWith(root.endsWith(sep) ? root : `${root}${sep}`))
    throw new GraphError(
      `external data "${location}" is a link to a place outside the model's folder: put the file itself ` +
        'next to the model',
    );
  return path;
}
