/** Conditions of changes, which a store checks in the transaction of the change. */

/**
 * Called with the current state inside the transaction of a change. If it throws, nothing is changed, and the change
 * rejects with that error. No other change happens between the call and the commit. A store may repeat a transaction,
 * so the function can be called more than once and must have no effects.
 */
export type Accept<Current> = (current: Current) => void;
