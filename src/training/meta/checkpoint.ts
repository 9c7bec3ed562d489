/**
 * Checkpoints of training. A checkpoint is one file with a line of JSON and then float32 tensors, and is replaced by
 * rename.
 */
import { closeSync, existsSync, fsyncSync, openSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { z } from 'zod';
import type { Tensor } from '../../../packages/onnx-grad/index.ts';
import { AppError } from '../../lib/errors.ts';
import { syncFolder, withStorage, writeAll } from '../../lib/files/durable-files.ts';
import { withSibling } from '../../lib/files/temporary-sibling.ts';
import { decodeTensorFile, encodeTensorFile } from '../../model/tensor-file.ts';

export interface Checkpoint {
  /** The identity of the training run, which must be the same for training to resume (see `trainingIdentity`). */
  readonly identity: string;
  readonly step: number;
  /** Any other state, as JSON. */
  readonly notes: unknown;
  readonly tensors: ReadonlyMap<string, Tensor>;
}

const factsSchema = z.object({ identity: z.string(), step: z.int().nonnegative(), notes: z.unknown() });

/** The path of the checkpoint file for the model folder `out`. */
export function checkpointPath(out: string): string {
  return `${out.replace(/\/+$/, '')}.checkpoint`;
}

/**
 * Writes the whole checkpoint or nothing, and creates missing folders.
 * @throws AppError storage_failed
 */
export function writeCheckpoint(path: string, { identity, step, notes, tensors }: Checkpoint): void {
  const parts = encodeTensorFile({ facts: { identity, step, notes }, tensors });
  const doing = `write the checkpoint ${path}`;
  withSibling(path, doing, ({ path: temporary }) =>
    withStorage(doing, () => {
      const file = openSync(temporary, 'wx');
      try {
        for (const part of parts) writeAll(file, part, null);
        fsyncSync(file);
      } finally {
        closeSync(file);
      }
      renameSync(temporary, path);
      syncFolder(dirname(path));
    }),
  );
}

/**
 * Reads a checkpoint; null if there is none. Errors: invalid_argument if the checkpoint is damaged or belongs to
 * another training run.
 */
export function readCheckpoint(path: string, identity: string): Checkpoint | null {
  if (!existsSync(path)) return null;
  const file = decodeTensorFile(readFileSync(path));
  const facts = factsSchema.safeParse(file?.facts).data;
  if (file === null || facts === undefined)
    throw new AppError('invalid_argument', `${path} is damaged: remove it and train without --resume`);
  if (facts.identity !== identity)
    throw new AppError(
      'invalid_argument',
      `${path} belongs to a training run with different settings, different data or another regression library: --resume ` +
        'cannot continue from it',
    );
  return { ...facts, tensors: file.tensors };
}

export function removeCheckpoint(path: string): void {
  rmSync(path, { force: true });
}
