/**
 * Reads and writes tensor files. Such a file has one line of JSON (facts, names, shapes, a sha256), then the elements.
 * Damaged or altered files are rejected.
 */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { BYTES_PER_ELEMENT, elementCount, type Tensor } from '../../packages/onnx-grad/index.ts';

/** Plain JSON that the header line may contain in addition to `tensors` and `sha256`. */
export type Facts = Readonly<Record<string, unknown>>;

export interface TensorFile {
  readonly facts: Facts;
  /** float32 and int32 tensors, in the order of the file. */
  readonly tensors: ReadonlyMap<string, Tensor>;
}

const ARRAYS = { float32: Float32Array, int32: Int32Array } as const;

const headerSchema = z.looseObject({
  tensors: z.array(
    z.object({
      name: z.string(),
      shape: z.array(z.int().nonnegative()),
      /** float32 if absent. */
      dtype: z.literal('int32').optional(),
    }),
  ),
  /** The sha256 of the header's JSON without this field, followed by the bytes after the header. */
  sha256: z.string(),
});

/**
 * The parts of the file, to be written one after another; tensors are not copied. Equal content produces equal bytes.
 */
export function encodeTensorFile({ facts, tensors }: TensorFile): NodeJS.ArrayBufferView[] {
  const described = [...tensors].map(([name, { dtype, shape }]) => ({
    name,
    shape,
    ...(dtype === 'int32' ? { dtype } : {}),
  }));
  const unsigned = JSON.stringify({ ...facts, tensors: described });
  const parts = [...tensors.values()].map(({ data }) => data);
  const hash = createHash('sha256').update(unsigned);
  for (const part of parts) hash.update(part);
  return [Buffer.from(`${unsigned.slice(0, -1)},"sha256":"${hash.digest('hex')}"}\n`), ...parts];
}

/** Parses a whole file; null if the file is damaged or altered. The tensors are copies. */
export function decodeTensorFile(bytes: Buffer): TensorFile | null {
  const end = Math.max(bytes.indexOf('\n'), 0);
  const json = parse(bytes.toString('utf8', 0, end));
  const header = headerSchema.safeParse(json).data;
  if (header === undefined) return null;
  const { sha256, ...unsigned } = json as Record<string, unknown>;
  const body = bytes.subarray(end + 1);
  if (createHash('sha256').update(JSON.stringify(unsigned)).update(body).digest('hex') !== sha256) return null;
  const tensors = new Map<string, Tensor>();
  let at = 0;
  for (const { name, shape, dtype = 'float32' } of header.tensors) {
    const size = BYTES_PER_ELEMENT[dtype] * elementCount(shape);
    if (at + size > body.length) return null;
    const data = new ARRAYS[dtype](elementCount(shape));
    Buffer.from(data.buffer).set(body.subarray(at, at + size));
    at += size;
    tensors.set(name, { dtype, shape, data });
  }
  if (at !== body.length) return null;
  const { tensors: _, ...facts } = unsigned;
  return { facts, tensors };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
