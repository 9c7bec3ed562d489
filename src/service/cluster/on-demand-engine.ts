/**
 * The engine of a node that does not expand campaigns. It makes estimates and checks models. Most nodes rarely need
 * either, so the engine starts on demand and stops after it has been idle for a while.
 */
import type { CheckedModel, CheckModelTask } from '../../engine/messages.ts';
import type { EngineSupervisor } from '../../engine/supervisor.ts';
import { AppError } from '../../lib/errors.ts';
import type { Estimates } from '../ports/estimates.ts';

type Supervisor = Pick<EngineSupervisor, 'start' | 'stop' | 'state' | 'checkModel' | 'dropModel' | 'estimate'>;

/** How long an idle engine keeps running. */
const IDLE_MS = 60_000;

export class OnDemandEngine implements Estimates {
  readonly #supervisor: Supervisor;
  readonly #closed = Promise.withResolvers<never>();
  readonly #idleMs: number;
  #started: Promise<void> | null = null;
  #stopped: Promise<void> = Promise.resolve();
  /** Number of calls that use the engine. */
  #users = 0;
  #idle: NodeJS.Timeout | null = null;
  #isClosed = false;

  /** The supervised engine must not claim jobs. */
  constructor(supervisor: Supervisor, idleMs = IDLE_MS) {
    this.#supervisor = supervisor;
    this.#idleMs = idleMs;
    this.#closed.promise.catch(() => {}); // nobody may be waiting
  }

  get state(): EngineSupervisor['state'] {
    return this.#supervisor.state;
  }

  /** The outcome is `loading` until the engine is ready. */
  estimate(...request: Parameters<Estimates['estimate']>): ReturnType<Estimates['estimate']> {
    return this.#use(() => {
      // if the model cannot be loaded, callers see that the engine is not ready; the log has the reason
      this.#start().catch(() => {});
      return this.#supervisor.estimate(...request);
    });
  }

  /** @throws the errors of `EngineSupervisor`'s `start` and `checkModel` */
  checkModel(task: CheckModelTask): Promise<CheckedModel> {
    return this.#use(async () => {
      await this.#start();
      return this.#supervisor.checkModel(task);
    });
  }

  dropModel(version: string): void {
    this.#supervisor.dropModel(version);
  }

  async close(): Promise<void> {
    this.#closed.reject(new AppError('unavailable', 'the node is closing'));
    this.#isClosed = true;
    if (this.#idle !== null) clearTimeout(this.#idle);
    await this.#supervisor.stop();
  }

  async #use<T>(work: () => Promise<T>): Promise<T> {
    this.#users += 1;
    if (this.#idle !== null) clearTimeout(this.#idle);
    try {
      return await work();
    } finally {
      this.#users -= 1;
      if (this.#users === 0 && !this.#isClosed) this.#idle = setTimeout(() => this.#stop(), this.#idleMs).unref();
    }
  }

  #stop(): void {
    this.#started = null;
    this.#stopped = this.#supervisor.stop();
  }

  #start(): Promise<void> {
    if (this.#isClosed) return this.#closed.promise;
    // the supervisor's promise does not settle after a stop
    const start = () => (this.#isClosed ? this.#closed.promise : this.#supervisor.start());
    this.#started ??= Promise.race([this.#stopped.then(start), this.#closed.promise]).catch((error: unknown) => {
      // the next caller tries again
      this.#started = null;
      throw error;
    });
    return this.#started;
  }
}
