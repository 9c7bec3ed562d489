/**
 * Estimates what audiences would be worth, one after the other, in a thread that is started when it is first wanted.
 */
import { Cancellation } from '../lib/cancellation.ts';
import { AppError } from '../lib/errors.ts';
import { type Following, ThreadGroup } from '../lib/thread-group.ts';
import type { CountedUsers, EstimateResult, EstimateTask, EstimateThreadData } from './estimate-thread.ts';

/** What an estimate is asked of. */
export type EstimateRequest = EstimateTask;

/** An estimate; or why there is none now. */
export type EstimateOutcome =
  | { readonly kind: 'estimate'; readonly estimate: EstimateResult }
  /** `loading`: the thread reads its model. `busy`: others are made before it, and take the time that it has. */
  | { readonly kind: 'loading' | 'busy' }
  /** It would take longer than the time that it has; users were counted by then, or not even that. */
  | { readonly kind: 'late'; readonly users: CountedUsers | null };

type Group = ThreadGroup<EstimateTask, EstimateResult, CountedUsers>;

/** The first estimate has to wait for a model that is loaded once more; `warm` loads it before. */
export class Estimator {
  readonly #data: EstimateThreadData;
  #opening: Promise<Group> | null = null;
  #isOpen = false;
  /** Ends with the last estimate that was asked for. */
  #last: Promise<void> = Promise.resolve();
  #isClosing = false;

  constructor(data: EstimateThreadData) {
    this.#data = data;
  }

  /** Starts the thread. @throws what the model or the population is refused for; the next call tries again. */
  async warm(): Promise<void> {
    await this.#open();
  }

  /**
   * An estimate within `timeMs`, or none.
   * @throws AppError invalid_model, model_unavailable, invalid_population; whatever breaks the thread, which is started
   * anew the next time
   */
  async estimate(task: EstimateRequest, timeMs: number): Promise<EstimateOutcome> {
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
      // one that nobody waits for any more is not begun
      if (cancellation.isCancelled) return { kind: 'busy' } as const;
      return this.#run(task, {
        cancellation,
        onProgress: (counted) => {
          users = counted;
        },
      });
    });
    // an estimate that nobody waits for ends with an error that nobody needs
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

  /** Ends the thread after what it is at: one that is taken away under a run of ONNX Runtime aborts the process. */
  async close(): Promise<void> {
    this.#isClosing = true;
    await this.#opening?.then(
      (group) => group.close(),
      () => {},
    );
  }

  async #run(task: EstimateTask, following: Required<Following<CountedUsers>>): Promise<EstimateOutcome> {
    const group = await this.#open();
    try {
      return { kind: 'estimate', estimate: await group.run(task, following) };
    } catch (error) {
      // an error of the task leaves the thread as it was; one without a code may be its end
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
    if (this.#isClosing) throw new AppError('unavailable', 'the service is closing');
    const module = { beside: import.meta.url, name: 'estimate-thread', data: this.#data };
    this.#opening ??= ThreadGroup.open<EstimateTask, EstimateResult, CountedUsers>(module, 1).then(
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
