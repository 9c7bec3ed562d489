/**
 * The engine of a node that expands no campaigns. It makes estimates and checks models, and is started when it is first
 * needed, because most nodes never are asked for either.
 */
import type { CheckedModel, CheckModelTask } from '../../engine/messages.ts';
import type { EngineSupervisor } from '../../engine/supervisor.ts';
import { AppError } from '../../lib/errors.ts';
import type { Estimates } from '../ports/estimates.ts';

type Supervisor = Pick<EngineSupervisor, 'start' | 'stop' | 'state' | 'checkModel' | 'dropModel' | 'estimate'>;

export class OnDemandEngine implements Estimates {
  readonly #supervisor: Supervisor;
  readonly #closed = Promise.withResolvers<never>();
  #started: Promise<void> | null = null;
  #isClosed = false;

  /** The supervised engine must not claim jobs. */
  constructor(supervisor: Supervisor) {
    this.#supervisor = supervisor;
    this.#closed.promise.catch(() => {}); // nobody may be waiting
  }

  get state(): EngineSupervisor['state'] {
    return this.#supervisor.state;
  }

  /** The outcome is `loading` until the engine is ready. */
  estimate(...request: Parameters<Estimates['estimate']>): ReturnType<Estimates['estimate']> {
    // callers of a model that cannot be loaded see that it is not ready; the log has the reason
    this.#start().catch(() => {});
    return this.#supervisor.estimate(...request);
  }

  /** @throws the errors of `EngineSupervisor`'s `start` and `checkModel` */
  async checkModel(task: CheckModelTask): Promise<CheckedModel> {
    await this.#start();
    return this.#supervisor.checkModel(task);
  }

  dropModel(version: string): void {
    this.#supervisor.dropModel(version);
  }

  async close(): Promise<void> {
    this.#closed.reject(new AppError('unavailable', 'the node is closing'));
    this.#isClosed = true;
    await this.#supervisor.stop();
  }

  #start(): Promise<void> {
    if (this.#isClosed) return this.#closed.promise;
    // the supervisor's promise does not settle after a stop
    this.#started ??= Promise.race([this.#supervisor.start(), this.#closed.promise]).catch((error: unknown) => {
      // the next caller tries again
      this.#started = null;
      throw error;
    });
    return this.#started;
  }
}
