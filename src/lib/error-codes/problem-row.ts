/** The form of a row of `error-codes.ts`. */

/** The statuses of error responses. */
export type ProblemStatus =
  | 400
  | 401
  | 403
  | 404
  | 405
  | 406
  | 408
  | 409
  | 412
  | 413
  | 415
  | 421
  | 429
  | 431
  | 500
  | 503;

export interface ProblemRow {
  readonly status: ProblemStatus;
  readonly title: string;
  /** The response contains only a request id: what went wrong concerns the operator, and is in the log. */
  readonly hidden?: true;
  /** Together with `advice` the text of the page at `/docs/errors/<code>`. */
  readonly meaning: string;
  readonly advice: string;
}
