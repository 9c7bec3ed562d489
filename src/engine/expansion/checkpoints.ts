/** Saves the work of unfinished expansions when the engine is stopped, and finds it for the next attempt. */
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

/** The only file of its folder. */
const WORK_FILE = 'work.bin';
/** No expansion is begun to be written later than this after a stop: the rest is done again. */
const KEEP_MS = 2500;

export interface CheckpointDependencies {
  readonly blobs: Blobs;
  /** Whether the disk has room for so many bytes beside its reserve. */
  hasRoom(bytes: number): boolean;
  readonly clock: Pick<Clock, 'elapsed'>;
  /** Work that took less milliseconds is done again. */
  readonly keptWorkMs: number;
  /** The program and the processor: others may compute other bits. */
  readonly computedBy: string;
}

/** What the work of an expansion depends on. */
interface CheckpointJob {
  readonly job: Pick<Job, 'campaignId' | 'expansionId'>;
  readonly population: Population;
  readonly task: CustomiseTask;
}

interface Running {
  readonly folder: string;
  readonly key: string;
  /** When it would have begun without a stop in between. */
  readonly since: number;
}

export class Checkpoints {
  readonly #dependencies: CheckpointDependencies;
  readonly #running = new Map<Checkpoint, Running>();

  constructor(dependencies: CheckpointDependencies) {
    this.#dependencies = dependencies;
  }

  /**
   * What a stopped attempt has left of this expansion, else nothing done yet: for the caller to go on with, and to
   * `end`. The file is gone afterwards, so that no attempt can fail of it twice. @throws AppError storage_failed where
   * it cannot be removed
   */
  begin({ job, population, task }: CheckpointJob, device: string): Checkpoint {
    const folder = checkpointFolder(job.campaignId, job.expansionId);
    const { clock, computedBy } = this.#dependencies;
    const parts = [task.key, task.externalId, device, computedBy];
    const key = createHash('sha256').update(JSON.stringify(parts)).digest('hex');
    const shape = { users: population.directory.size, segments: population.segmentCount };
    const bytes = this.#take(folder);
    const found = bytes && decodeCheckpoint(bytes, key, shape);
    const work = found?.work ?? startCheckpoint(shape);
    this.#running.set(work, { folder, key, since: clock.elapsed() - (found?.workMs ?? 0) });
    return work;
  }

  end(work: Checkpoint): void {
    this.#running.delete(work);
  }

  /**
   * Writes what the running expansions have done, the longest first, unless it took too little time, has no model yet,
   * or the disk has no room. What is written is durable when this returns their number. `onError` is told why one could
   * not be written.
   */
  saveAll(onError: (error: AppError) => void): number {
    const { blobs, hasRoom, clock, keptWorkMs } = this.#dependencies;
    const now = clock.elapsed();
    let kept = 0;
    for (const [work, { folder, key, since }] of [...this.#running].sort(([, a], [, b]) => a.since - b.since)) {
      if (!isCustomised(work) || now - since < keptWorkMs) continue;
      if (clock.elapsed() - now > KEEP_MS) break;
      try {
        if (!hasRoom(work.scores.byteLength + work.customised.customised.byteLength)) continue;
        blobs.publish(folder, new Map([[WORK_FILE, encodeCheckpoint(work, key, now - since)]]));
        kept += 1;
      } catch (error) {
        if (!(error instanceof AppError)) throw error;
        onError(error);
      }
    }
    return kept;
  }

  /** null where there is no file, or it cannot be read. */
  #take(folder: string): Buffer | null {
    const { blobs } = this.#dependencies;
    if (!blobs.has(folder)) return null;
    try {
      return Buffer.from(blobs.read(folder, WORK_FILE));
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      return null;
    } finally {
      blobs.delete(folder);
    }
  }
}

function isCustomised(work: Checkpoint): work is CustomisedCheckpoint {
  return work.customised !== null;
}
