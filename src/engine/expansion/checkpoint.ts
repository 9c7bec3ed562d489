/** The finished work of an attempt at an expansion, and the file from which the next attempt resumes after a stop. */
import { z } from 'zod';
import { decodeTensorFile, encodeTensorFile } from '../../model/tensor-file.ts';
import type { StoredCustomised } from '../thread-tasks.ts';

/** The version of the file format. Files with a different version are ignored. */
const CONTRACT = 1;

export interface Checkpoint {
  /** The customised model; null until the model is adapted and its quality and prediction are known. */
  customised: StoredCustomised | null;
  /** Scores by user number; NaN for users without a score. */
  readonly scores: Float32Array;
  /** 1 for each segment whose users are scored, else 0. */
  readonly isScored: Uint8Array;
  /** Number of users per run of the model; 0 before the first run. */
  batchSize: number;
}

/** A checkpoint with a customised model. Only such a checkpoint is worth saving. */
export type CustomisedCheckpoint = Checkpoint & { readonly customised: StoredCustomised };

/** The dimensions of a checkpoint. A checkpoint of another population version has different dimensions. */
export interface CheckpointShape {
  /** Number of users; user numbers are 0 .. users - 1. */
  readonly users: number;
  readonly segments: number;
}

const factsSchema = z.strictObject({
  contract: z.literal(CONTRACT),
  /** A hash of everything that the work depends on. */
  key: z.string(),
  /** Time spent on the work, in milliseconds. */
  work_ms: z.number(),
  batch_size: z.int(),
  /** The numbers of the scored segments. */
  segments: z.array(z.int().nonnegative()),
  customised_bytes: z.int().nonnegative(),
  epochs: z.int(),
  quality: z.record(z.string(), z.unknown()).nullable(),
  prediction: z.record(z.string(), z.unknown()).nullable(),
  unmasked: z.record(z.string(), z.unknown()).nullable().optional(),
});

export function startCheckpoint({ users, segments }: CheckpointShape): Checkpoint {
  return {
    customised: null,
    scores: new Float32Array(users).fill(Number.NaN),
    isScored: new Uint8Array(segments),
    batchSize: 0,
  };
}

/** Returns the bytes of the file: a tensor file with a checksum, which contains the scores and customised.bin. */
export function encodeCheckpoint(work: CustomisedCheckpoint, key: string, workMs: number): Buffer {
  const { scores, isScored, batchSize } = work;
  const { customised, epochs, quality, prediction, unmasked } = work.customised;
  const padded = new Int32Array(Math.ceil(customised.length / Int32Array.BYTES_PER_ELEMENT));
  new Uint8Array(padded.buffer).set(customised);
  const facts: z.input<typeof factsSchema> = {
    ...{ contract: CONTRACT, key, work_ms: workMs, batch_size: batchSize },
    segments: [...isScored.keys()].filter((segment) => isScored[segment] === 1),
    ...{ customised_bytes: customised.length, epochs, quality, prediction, unmasked },
  };
  const parts = encodeTensorFile({
    facts,
    tensors: new Map([
      ['customised', { dtype: 'int32', shape: [padded.length], data: padded }],
      ['scores', { dtype: 'float32', shape: [scores.length], data: scores }],
    ]),
  });
  return Buffer.concat(
    parts.map(({ buffer, byteOffset, byteLength }) => new Uint8Array(buffer, byteOffset, byteLength)),
  );
}

/**
 * Decodes the bytes of a file. Returns null if the file is damaged, or has a different format version, key or shape.
 */
export function decodeCheckpoint(
  bytes: Buffer,
  key: string,
  { users, segments }: CheckpointShape,
): { readonly work: Checkpoint; readonly workMs: number } | null {
  const file = decodeTensorFile(bytes);
  const facts = factsSchema.safeParse(file?.facts).data;
  if (!file || facts?.key !== key) return null;
  const scores = file.tensors.get('scores')?.data;
  const customised = file.tensors.get('customised')?.data;
  const fits = scores?.length === users && facts.segments.every((segment) => segment < segments);
  if (!(scores instanceof Float32Array) || customised === undefined || !fits) return null;
  const isScored = new Uint8Array(segments);
  for (const segment of facts.segments) isScored[segment] = 1;
  const { epochs, quality, prediction } = facts;
  const stored = new Uint8Array(customised.buffer, customised.byteOffset, facts.customised_bytes);
  return {
    work: {
      customised: { customised: stored, epochs, quality, prediction },
      scores,
      isScored,
      batchSize: facts.batch_size,
    },
    workMs: facts.work_ms,
  };
}
