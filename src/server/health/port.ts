/** What the health routes need from the engine. */

/** The engine's status. */
export interface EngineStatus {
  readonly ready: boolean;
  readonly detail: string;
  readonly restarts: number;
}
