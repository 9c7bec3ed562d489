/** What the routes of health ask of the engine. */

/** What the engine says of itself. */
export interface EngineStatus {
  readonly ready: boolean;
  readonly detail: string;
  readonly restarts: number;
}
