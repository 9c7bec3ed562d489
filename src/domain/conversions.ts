/**
 * Conversions: what users did that a campaign wants, whether they were treated or held out. No model learns from them.
 */

export interface Conversion {
  readonly userId: string;
  /** The time in milliseconds since 1970. A user has one conversion per time, so sending one again changes nothing. */
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

/** A window of time in milliseconds since 1970: `from` is inside, `to` is not. */
export interface Window {
  readonly from: number;
  readonly to: number;
}

/** Of several conversions of a user at the same time, the one received last counts. */
export function withoutRepetitions(conversions: readonly Conversion[]): Conversion[] {
  return [...new Map(conversions.map((one) => [`${one.happenedAt} ${one.userId}`, one])).values()];
}
