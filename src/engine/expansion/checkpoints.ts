/** Saves the work of unfinished expansions when the engine is stopped, and loads this work for the next attempt. */
import { createHash } from 'node:crypto';
import type { Blobs } from '../../domain/ports/blobs.ts';
import { checkpointFolder } from '../../domain/ranking-name.ts';
import type { Job } from '../../domain/types.ts';
import type { Clock } from '../../lib/clock.ts';
import { AppError } from '../../lib/errors.ts';
import type { Population } from '../../population/read.ts';
import type { CustomiseTask } from '../thread-tasks.ts';
import {
  type Checkpoint,
  type CustomisedCheckpoint,
  decodeCheckpoint,
  encodeCheckpoint,
  startCheckpoint,
} from './checkpoint.ts';
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
