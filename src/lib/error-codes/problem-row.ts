/** The type of a row of `error-codes.ts`. */

/** The HTTP statuses of error responses. */
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
  /** Whether the response contains only a request id. The details, which are for the operator, are in the log. */
  readonly hidden?: true;
  /** What the error means. Together with `advice`, this is the text of the page at `/docs/errors/<code>`. */
  readonly meaning: string;
  readonly advice: string;
}
