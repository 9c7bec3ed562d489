/** The state of the engine that the supervisor reports. */
import type { Heartbeat } from './heartbeat.ts';

export interface EndedEngine {
  readonly owner: string;
  /** The ids of the jobs and the names of the ranges that it was working on. */
  readonly working: readonly string[];
}

/** The last heartbeat of the running engine, and its age. */
export type EngineHeartbeat = Omit<Heartbeat, 'usersScored' | 'users'> & {
  readonly pid: number;
  readonly threads: number;
  readonly ageMs: number;
};

export interface EngineState {
  readonly ready: boolean;
  /** The device if the engine is ready, otherwise why it is not. */
  readonly detail: string;
  readonly restarts: number;
  /** Number of engines that were killed because they hung. */
  readonly hung: number;
  /** How the last engine that crashed or hung ended; null if no engine has crashed or hung. */
  readonly lastEnd: string | null;
  /** null before the engine is ready and after it has ended. */
  readonly heartbeat: EngineHeartbeat | null;
  /** Number of users that all engines have scored. */
  readonly usersScored: number;
}
