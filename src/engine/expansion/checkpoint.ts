/**
 * The work that an attempt at an expansion has finished, and the file with which the next attempt continues after a
 * stop.
 */
import { z } from 'zod';
import { decodeTensorFile, encodeTensorFile } from '../../model/tensor-file.ts';
import type { StoredCustomised } from '../thread-tasks.ts';

/** Files of another contract are not used. */
const CONTRACT = 1;

export interface Checkpoint {
  /** null until the model is adapted, and its quality and prediction are made. */
  customised: StoredCustomised | null;
  /** By user number; NaN where not scored. */
  readonly scores: Float32Array;
  /** By segment: 1 if its users have their scores. */
  readonly isScored: Uint8Array;
  /** Users that a run scored; 0 before the first. */
  batchSize: number;
}

/** Work that is worth a file: with its customised model. */
export type CustomisedCheckpoint = Checkpoint & { readonly customised: StoredCustomised };

/** Where the work is done: a file that was written of another version of a population does not fit. */
export interface CheckpointShape {
  /** Numbers of users: 0 .. users - 1. */
  readonly users: number;
  readonly segments: number;
}

const factsSchema = z.strictObject({
  contract: z.literal(CONTRACT),
  /** Of everything that the work depends on. */
  key: z.string(),
  /** Milliseconds that it took. */
  work_ms: z.number(),
  batch_size: z.int(),
  /** Those that are scored. */
  segments: z.array(z.int().nonnegative()),
  customised_bytes: z.int().nonnegative(),
  epochs: z.int(),
  quality: z.record(z.string(), z.unknown()).nullable(),
  prediction: z.record(z.string(), z.unknown()).nullable(),
});

export function startCheckpoint({ users, segments }: CheckpointShape): Checkpoint {
  return {
    customised: null,
    scores: new Float32Array(users).fill(Number.NaN),
    isScored: new Uint8Array(segments),
    batchSize: 0,
  };
}

/** The bytes of the file, with a checksum: a tensor file of the scores and of customised.bin. */
export function encodeCheckpoint(work: CustomisedCheckpoint, key: string, workMs: number): Buffer {
  const { scores, isScored, batchSize } = work;
  const { customised, epochs, quality, prediction } = work.customised;
  const padded = new Int32Array(Math.ceil(customised.length / Int32Array.BYTES_PER_ELEMENT));
  new Uint8Array(padded.buffer).set(customised);
  const facts: z.input<typeof factsSchema> = {
    ...{ contract: CONTRACT, key, work_ms: workMs, batch_size: batchSize },
    segments: [...isScored.keys()].filter((segment) => isScored[segment] === 1),
    ...{ customised_bytes: customised.length, epochs, quality, prediction },
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

/** null where the file is damaged, of another contract, or of work that depends on something else. */
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
