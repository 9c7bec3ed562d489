/** State that the supervisor reports about its engine, and callers waiting for responses. */
import type { EstimateOutcome } from './expansion/estimator.ts';
import type { Heartbeat } from './heartbeat.ts';
import type { CheckedModel } from './messages.ts';

export interface WaitingEstimate {
  readonly resolve: (outcome: EstimateOutcome) => void;
  readonly reject: (error: unknown) => void;
  readonly timer: NodeJS.Timeout;
}

export interface WaitingCheck {
  readonly resolve: (check: CheckedModel) => void;
  readonly reject: (error: unknown) => void;
}

export interface EngineState {
  readonly ready: boolean;
  readonly detail: string;
  readonly restarts: number;
  /** Engines that were killed because they gave no sign. */
  readonly hung: number;
  /** How the last engine ended that did so by itself or hung; null where none has. */
  readonly lastEnd: string | null;
  /** The last one of the engine that runs, and how long ago it was. */
  readonly heartbeat:
    | (Omit<Heartbeat, 'usersScored' | 'users'> & {
        readonly pid: number;
        readonly threads: number;
        readonly ageMs: number;
      })
    | null;
  /** By all engines. */
  readonly usersScored: number;
}
