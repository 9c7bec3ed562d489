/** Checkpoints of training: one file, a JSON line and then float32 tensors, replaced by rename. */
import { createHash } from 'node:crypto';
import { closeSync, existsSync, fsyncSync, openSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { z } from 'zod';
import { elementCount, type Tensor } from '../graph/ir.ts';
import { createFolder, removeQuietly, syncFolder, withStorage, writeAll } from '../lib/durable-files.ts';
import { AppError } from '../lib/errors.ts';

export interface Checkpoint {
  /** What must be the same for training to go on: settings and data. */
  readonly identity: string;
  readonly step: number;
  /** Anything else, as JSON. */
  readonly notes: unknown;
  readonly tensors: ReadonlyMap<string, Tensor>;
}

const headerSchema = z.object({
  identity: z.string(),
  step: z.int().nonnegative(),
  notes: z.unknown(),
  tensors: z.array(z.object({ name: z.string(), shape: z.array(z.int().nonnegative()) })),
  /** Of the bytes after the header. */
  sha256: z.string(),
});

type Header = z.infer<typeof headerSchema>;

/** The checkpoint file of the model folder `out`. */
export function checkpointPath(out: string): string {
  return `${out.replace(/\/+$/, '')}.checkpoint`;
}

/** Writes whole or not at all, and makes the folders on the way. @throws AppError storage_failed */
export function writeCheckpoint(path: string, checkpoint: Checkpoint): void {
  const parts = [...checkpoint.tensors].map(([name, { shape, data }]) => ({ name, shape: [...shape], data }));
  const hash = createHash('sha256');
  for (const { data } of parts) hash.update(data);
  const { identity, step, notes } = checkpoint;
  const header: Header = {
    identity,
    step,
    notes,
    tensors: parts.map(({ name, shape }) => ({ name, shape })),
    sha256: hash.digest('hex'),
  };
  const temporary = `${path}.writing-${process.pid}`;
  try {
    withStorage(`write the checkpoint ${path}`, () => {
      createFolder(dirname(path));
      const file = openSync(temporary, 'w');
      try {
        writeAll(file, Buffer.from(`${JSON.stringify(header)}\n`), null);
        for (const { data } of parts) writeAll(file, data, null);
        fsyncSync(file);
      } finally {
        closeSync(file);
      }
      renameSync(temporary, path);
      syncFolder(dirname(path));
    });
  } catch (error) {
    removeQuietly(temporary);
    throw error;
  }
}

/** Reads a checkpoint; null where there is none. A torn one, or one of another training, is invalid_argument. */
export function readCheckpoint(path: string, identity: string): Checkpoint | null {
  if (!existsSync(path)) return null;
  const bytes = readFileSync(path);
  const end = bytes.indexOf('\n');
  const torn = () => new AppError('invalid_argument', `${path} is torn: remove it and train without --resume`);
  const header = parseHeader(bytes.subarray(0, Math.max(end, 0)).toString('utf8'));
  const body = bytes.subarray(end + 1);
  if (header === null || createHash('sha256').update(body).digest('hex') !== header.sha256) throw torn();
  const size = header.tensors.reduce((sum, { shape }) => sum + Float32Array.BYTES_PER_ELEMENT * elementCount(shape), 0);
  if (size !== body.length) throw torn();
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

function parseHeader(text: string): Header | null {
  try {
    return headerSchema.parse(JSON.parse(text));
  } catch {
    return null;
  }
}

export function removeCheckpoint(path: string): void {
  rmSync(path, { force: true });
}
