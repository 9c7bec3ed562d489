/** Checkpoints of training: one file, a JSON line and then float32 tensors, replaced by rename. */
import { createHash } from 'node:crypto';
import { closeSync, existsSync, fsyncSync, openSync, readFileSync, renameSync, rmSync, writeSync } from 'node:fs';
import { elementCount, type Tensor } from '../graph/ir.ts';
import { AppError } from '../lib/errors.ts';

export interface Checkpoint {
  /** What must be the same for training to go on: settings and data. */
  readonly identity: string;
  readonly step: number;
  /** Anything else, as JSON. */
  readonly notes: unknown;
  readonly tensors: ReadonlyMap<string, Tensor>;
}

interface Header {
  readonly identity: string;
  readonly step: number;
  readonly notes: unknown;
  readonly tensors: readonly { readonly name: string; readonly shape: readonly number[] }[];
  readonly sha256: string;
}

/** The checkpoint file of the model folder `out`. */
export function checkpointPath(out: string): string {
  return `${out.replace(/\/+$/, '')}.checkpoint`;
}

/** Writes whole or not at all. */
export function writeCheckpoint(path: string, checkpoint: Checkpoint): void {
  const parts = [...checkpoint.tensors].map(([name, { shape, data }]) => ({
    name,
    shape,
    bytes: Buffer.from(data.buffer, data.byteOffset, data.byteLength),
  }));
  const hash = createHash('sha256');
  for (const { bytes } of parts) hash.update(bytes);
  const { identity, step, notes } = checkpoint;
  const header: Header = {
    identity,
    step,
    notes,
    tensors: parts.map(({ name, shape }) => ({ name, shape })),
    sha256: hash.digest('hex'),
  };
  const temporary = `${path}.writing-${process.pid}`;
  const file = openSync(temporary, 'w');
  try {
    writeSync(file, `${JSON.stringify(header)}\n`);
    for (const { bytes } of parts) for (let at = 0; at < bytes.length; ) at += writeSync(file, bytes, at);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  renameSync(temporary, path);
}

/** Reads a checkpoint; null where there is none. A torn one, or one of another training, is invalid_argument. */
export function readCheckpoint(path: string, identity: string): Checkpoint | null {
  if (!existsSync(path)) return null;
  const bytes = readFileSync(path);
  const end = bytes.indexOf('\n');
  const torn = () => new AppError('invalid_argument', `${path} is torn: remove it and train without --resume`);
  let header: Header;
  try {
    header = JSON.parse(bytes.subarray(0, end).toString('utf8')) as Header;
  } catch {
    throw torn();
  }
  const body = bytes.subarray(end + 1);
  if (createHash('sha256').update(body).digest('hex') !== header.sha256) throw torn();
  if (header.identity !== identity)
    throw new AppError(
      'invalid_argument',
      `${path} is of a training with other settings or other data: --resume cannot go on from it`,
    );
  const tensors = new Map<string, Tensor>();
  let at = 0;
  for (const { name, shape } of header.tensors) {
    const data = new Float32Array(elementCount(shape));
    Buffer.from(data.buffer).set(body.subarray(at, at + data.byteLength));
    at += data.byteLength;
    tensors.set(name, { dtype: 'float32', shape, data });
  }
  return { identity, step: header.step, notes: header.notes, tensors };
}

export function removeCheckpoint(path: string): void {
  rmSync(path, { force: true });
}
