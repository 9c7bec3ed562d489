/**
 * Conversions: actions that the campaign wants users to take, such as a purchase. They are recorded for treated and for
 * held-out users. No model learns from them.
 */

export interface Conversion {
  readonly userId: string;
  /** Milliseconds since 1970. A user has at most one conversion per time, so sending it again changes nothing. */
  readonly happenedAt: number;
  readonly value: number;
}

/** The result of recording conversions. */
export interface ConversionReport {
  readonly received: number;
  /** Number of conversions that are new or have another value. */
  readonly recorded: number;
}

/** The conversions of one user within a window. */
export interface UserConversions {
  readonly userId: string;
  readonly conversions: number;
  readonly value: number;
}

/** A time window in milliseconds since 1970; `from` is inclusive, `to` is not. */
export interface Window {
  readonly from: number;
  readonly to: number;
}

/** If a user has several conversions at the same time, only the one received last counts. */
export function withoutRepetitions(conversions: readonly Conversion[]): Conversion[] {
  return [...new Map(conversions.map((one) => [`${one.happenedAt} ${one.userId}`, one])).values()];
}
