/** The table of legal steps. */
import { describe, expect, it } from 'vitest';
import { EXPANSION_STATES, isEnd, isLegal, TRANSITIONS } from '../../src/domain/states.ts';

describe('TRANSITIONS', () => {
  it('reach every state from queued', () => {
    const reached = new Set<string>(['queued']);
    for (const state of reached) for (const next of TRANSITIONS[state as 'queued']) reached.add(next);
    expect([...reached].sort()).toEqual([...EXPANSION_STATES].sort());
  });

  it('lead out of every state that is not an end to failed, cancelled and superseded', () => {
    for (const state of EXPANSION_STATES.filter((each) => !isEnd(each))) {
      expect(TRANSITIONS[state]).toEqual(expect.arrayContaining(['failed', 'cancelled', 'superseded']));
    }
  });

  it('lead to ready only from scoring', () => {
    expect(EXPANSION_STATES.filter((state) => isLegal(state, 'ready'))).toEqual(['scoring']);
  });
});
