/** The states of an expansion, and a table of the legal steps between states. */

export const EXPANSION_STATES = [
  'queued',
  'adapting',
  'scoring',
  'ready',
  'too_small',
  'failed',
  'cancelled',
  'superseded',
] as const;

export type ExpansionState = (typeof EXPANSION_STATES)[number];

/**
 * The states that may follow each state. A state with an empty row is an end state. README.md describes what a crash
 * leaves behind in each state.
 */
export const TRANSITIONS: { readonly [S in ExpansionState]: readonly ExpansionState[] } = {
  queued: ['adapting', 'too_small', 'failed', 'cancelled', 'superseded'],
  adapting: ['queued', 'scoring', 'too_small', 'failed', 'cancelled', 'superseded'],
  scoring: ['queued', 'ready', 'failed', 'cancelled', 'superseded'],
  ready: [],
  too_small: [],
  failed: [],
  cancelled: [],
  superseded: [],
};

/** Whether an expansion may go from the state `from` to the state `to`. Staying in a state is not a legal step. */
export function isLegal(from: ExpansionState, to: ExpansionState): boolean {
  return TRANSITIONS[from].includes(to);
}

/** Whether a state is an end state. No state follows an end state, and an expansion in an end state has no job. */
export function isEnd(state: ExpansionState): boolean {
  return TRANSITIONS[state].length === 0;
}
