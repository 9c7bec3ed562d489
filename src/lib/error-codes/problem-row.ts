/** The type of a row of `error-codes.ts`. */

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
  /** The response contains only a request id: the details are for the operator, and are in the log. */
  readonly hidden?: true;
  /** With `advice`, the text of the page at `/docs/errors/<code>`. */
  readonly meaning: string;
  readonly advice: string;
}
