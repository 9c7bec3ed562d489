/** Estimates the quality of audiences, one at a time, in a thread that is started at the first request. */
import type { CountedUsers, EstimateInputs } from '../../domain/estimates.ts';
import { AppError } from '../../lib/errors.ts';
import { Cancellation } from '../../lib/threads/cancellation.ts';
import { type Following, ThreadGroup } from '../../lib/threads/thread-group.ts';
import { SILENCE_LIMIT } from '../pool.ts';
import type { EstimateResult, EstimateThreadData } from './estimate-thread.ts';

/** An estimate, or the reason why there is no estimate now. */
export type EstimateOutcome =
  | { readonly kind: 'estimate'; readonly estimate: EstimateResult }
  /** `loading`: the thread is loading its model. `busy`: earlier estimates used up its time. */
  | { readonly kind: 'loading' | 'busy' }
  /** The estimate exceeded its time limit. The users may have been counted by then. */
  | { readonly kind: 'late'; readonly users: CountedUsers | null };

type Group = ThreadGroup<EstimateInputs, EstimateResult, CountedUsers>;

/** Makes estimates in a thread. The first estimate waits until the thread has loaded the model. */
export class Estimator {
  readonly epoch: number;
  readonly #data: EstimateThreadData;
  #opening: Promise<Group> | null = null;
  #isOpen = false;
  /** Settles when the last requested estimate settles. */
  #last: Promise<void> = Promise.resolve();
  #isClosing = false;

  /** `epoch` is the epoch of the served versions that the estimator uses. */
  constructor(epoch: number, data: EstimateThreadData) {
    this.epoch = epoch;
    this.#data = data;
  }

  /**
   * Returns an estimate within `timeMs`, or the reason why there is no estimate.
   * @throws AppError invalid_model, model_unavailable, invalid_population; any error that ends the thread (the next
   * call starts a new thread)
   */
  async estimate(task: EstimateInputs, timeMs: number): Promise<EstimateOutcome> {
    const cancellation = new Cancellation();
    let users: CountedUsers | null = null;
    const before = this.#last;
    let isBegun = false;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<EstimateOutcome>((resolve) => {
      timer = setTimeout(() => {
        cancellation.cancel();
        if (this.#isOpen && isBegun) resolve({ kind: 'late', users });
        else resolve({ kind: this.#isOpen ? 'busy' : 'loading' });
      }, timeMs);
    });
    const made = before.then(() => {
      isBegun = true;
      // skip an estimate that has timed out
      if (cancellation.isCancelled) return { kind: 'busy' } as const;
      return this.#run(task, {
        cancellation,
        onProgress: (counted) => {
          users = counted;
        },
      });
    });
    // the error of an abandoned estimate is ignored
    this.#last = made.then(
      () => {},
      () => {},
    );
    try {
      return await Promise.race([made, late]);
    } finally {
      clearTimeout(timer);
    }
  }

  /**
   * Ends the thread after its current task, because terminating a thread during an ONNX Runtime run would abort the
   * process. Waiting estimates return `loading`.
   */
  async close(): Promise<void> {
    this.#isClosing = true;
    await this.#opening?.then(
      (group) => group.close(),
      () => {},
    );
  }

  async #run(
    task: EstimateInputs,
    following: Required<Omit<Following<CountedUsers>, 'onBegin'>>,
  ): Promise<EstimateOutcome> {
    // another model or population is served now, and its estimator is loading
    if (this.#isClosing) return { kind: 'loading' };
    const group = await this.#open();
    try {
      return { kind: 'estimate', estimate: await group.run(task, following) };
    } catch (error) {
      // an AppError does not affect the thread, but any other error may mean that the thread died
      const isOfTask = error instanceof AppError || following.cancellation.isCancelled;
      if (!isOfTask && !this.#isClosing) {
        this.#opening = null;
        this.#isOpen = false;
        void group.close();
      }
      throw error;
    }
  }

  #open(): Promise<Group> {
    const module = { beside: import.meta.url, name: 'estimate-thread', data: this.#data };
    this.#opening ??= ThreadGroup.open<EstimateInputs, EstimateResult, CountedUsers>(module, 1, SILENCE_LIMIT).then(
      (group) => {
        this.#isOpen = true;
        return group;
      },
      (error) => {
        this.#opening = null;
        throw error;
      },
    );
    return this.#opening;
  }
}
