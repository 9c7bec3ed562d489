/** Saves the work of unfinished expansions when the engine is stopped, and loads this work for the next attempt. */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { Blobs } from '../../domain/ports/blobs.ts';
import { checkpointFolder } from '../../domain/ranking-name.ts';
import type { Job } from '../../domain/types.ts';
import type { Clock } from '../../lib/clock.ts';
import { AppError } from '../../lib/errors.ts';
import { decodeTensorFile, encodeTensorFile } from '../../model/tensor-file.ts';
import type { Population } from '../../population/read.ts';
import type { CustomiseTask, StoredCustomised } from '../thread-tasks.ts';
import { maskedVersion } from './expansion-users.ts';

/** The only file in a checkpoint's folder. */
const WORK_FILE = 'work.bin';
/** Time after a stop beyond which no further checkpoint is begun. Expansions without a checkpoint start over. */
const KEEP_MS = 2500;

export interface CheckpointDependencies {
  readonly blobs: Blobs;
  /** Whether the disk has room for `bytes` in addition to its reserve. */
  hasRoom(bytes: number): boolean;
  readonly clock: Pick<Clock, 'elapsed'>;
  /** Minimum work, in milliseconds, for which a checkpoint is saved. Shorter work is redone. */
  readonly keptWorkMs: number;
  /** The program and the processor. Another program or processor may compute different bits. */
  readonly computedBy: string;
}

/** The inputs that determine the work of an expansion. */
interface CheckpointJob {
  readonly job: Pick<Job, 'campaignId' | 'expansionId'>;
  readonly population: Population;
  readonly task: CustomiseTask;
}

interface Running {
  readonly folder: string;
  readonly key: string;
  /** The monotonic time at which the attempt began, minus the time that earlier attempts spent on the work. */
  readonly since: number;
  /** Settles when the file of an earlier attempt, if there was one, has been removed. */
  readonly removed: Promise<void>;
}

export class Checkpoints {
  readonly #dependencies: CheckpointDependencies;
  readonly #running = new Map<Checkpoint, Running>();
  /** Whether the engine is being stopped. From then on, no file is removed. */
  #isStopped = false;

  constructor(dependencies: CheckpointDependencies) {
    this.#dependencies = dependencies;
  }

  /**
   * Returns the checkpoint that a stopped attempt at this expansion saved, or an empty checkpoint. `bits` identifies
   * the device and the bits that it computes: work of others is not continued. The caller adds its work to the
   * checkpoint and calls `end`. The file is removed, so a bad file cannot make a second attempt fail.
   * @throws AppError storage_failed if the file cannot be removed
   */
  async begin({ job, population, task }: CheckpointJob, bits: string): Promise<Checkpoint> {
    const folder = checkpointFolder(job.campaignId, job.expansionId);
    const { clock, computedBy } = this.#dependencies;
    const parts = [task.key, task.externalId, bits, computedBy, ...maskedVersion(task)];
    const key = createHash('sha256').update(JSON.stringify(parts)).digest('hex');
    const shape = { users: population.directory.size, segments: population.segmentCount };
    const isThere = await this.#dependencies.blobs.has(folder);
    const bytes = isThere ? await this.#read(folder) : null;
    const found = bytes && decodeCheckpoint(bytes, key, shape);
    const work = found?.work ?? startCheckpoint(shape);
    // a stop before this line finds the file where it was, and a later stop writes it again
    const isRemoved = isThere && !this.#isStopped;
    const removed = isRemoved ? this.#dependencies.blobs.delete(folder) : Promise.resolve();
    this.#running.set(work, { folder, key, since: clock.elapsed() - (found?.workMs ?? 0), removed });
    try {
      await removed;
    } catch (error) {
      this.#running.delete(work);
      throw error;
    }
    return work;
  }

  end(work: Checkpoint): void {
    this.#running.delete(work);
  }

  /**
   * Saves checkpoints of the running expansions; the expansions that have run longest come first. An expansion is
   * skipped if it took too little time, has no model yet, or does not fit on the disk. Returns the number of files
   * written; they are durable when the promise resolves. `onError` is called if a file could not be written. Call this
   * when the engine is stopped, because no checkpoint is taken over afterwards.
   */
  async saveAll(onError: (error: AppError) => void): Promise<number> {
    this.#isStopped = true;
    const { blobs, hasRoom, clock, keptWorkMs } = this.#dependencies;
    const now = clock.elapsed();
    let kept = 0;
    for (const [work, { folder, key, since, removed }] of [...this.#running].sort(
      ([, a], [, b]) => a.since - b.since,
    )) {
      // an expansion that ended while another was saved needs no checkpoint
      if (!isCustomised(work) || now - since < keptWorkMs || !this.#running.has(work)) continue;
      if (clock.elapsed() - now > KEEP_MS) break;
      try {
        if (!hasRoom(work.scores.byteLength + work.customised.customised.byteLength)) continue;
        await removed;
        await blobs.publish(folder, new Map([[WORK_FILE, encodeCheckpoint(work, key, now - since)]]));
        kept += 1;
      } catch (error) {
        if (!(error instanceof AppError)) throw error;
        onError(error);
      }
    }
    return kept;
  }

  /** Reads a checkpoint file. Returns null if the file cannot be read. */
  async #read(folder: string): Promise<Buffer | null> {
    try {
      return Buffer.from(await this.#dependencies.blobs.read(folder, WORK_FILE));
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      return null;
    }
  }
}

function isCustomised(work: Checkpoint): work is CustomisedCheckpoint {
  return work.customised !== null;
}

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
interface CheckpointShape {
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

/** The finished work of an attempt at an expansion, and the file from which the next attempt resumes after a stop. */
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
