/** When inputs need an expansion, and when a refresh policy causes one. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type EndedExpansion, needsExpansion, refreshCause, refuseTaken } from '../../src/domain/campaigns.ts';
import { EXPANSION_STATES, isEnd } from '../../src/domain/states.ts';

const NOW = 1_700_000_000_000;

describe('needsExpansion', () => {
  it('compares with the running expansion, else with the active one, else with the latest', () => {
    const optional = fc.constantFrom(true, false, null);
    fc.assert(
      fc.property(fc.boolean(), fc.boolean(), optional, (hasSeeds, sameAsLatest, sameAsActive) => {
        const facts = { hasSeeds, sameAsLatest, sameAsActive };
        const needs = (isSame: boolean | null) => (isSame === null ? hasSeeds : !isSame);
        expect(needsExpansion({ ...facts, isLatestRunning: true })).toBe(needs(sameAsLatest));
        expect(needsExpansion({ ...facts, isLatestRunning: false })).toBe(needs(sameAsActive ?? sameAsLatest));
      }),
    );
  });

  it('needs a first expansion as soon as there are seeds', () => {
    const before = { isLatestRunning: false, sameAsLatest: null, sameAsActive: null };
    expect([true, false].map((hasSeeds) => needsExpansion({ ...before, hasSeeds }))).toEqual([true, false]);
  });
});

describe('refreshCause', () => {
  const OFF = { everyMs: null, onNewPopulation: false, onChange: false };
  const LATEST: EndedExpansion = { state: 'ready', createdAt: NOW, populationVersion: 'p1', hasSameInputs: true };

  it('causes nothing that the policy does not name', () => {
    const latest = fc.record({
      state: fc.constantFrom(...EXPANSION_STATES.filter(isEnd)),
      createdAt: fc.integer({ min: NOW - 1e6, max: NOW + 1e6 }),
      populationVersion: fc.constantFrom('p1', 'p2', null),
      hasSameInputs: fc.boolean(),
    });
    fc.assert(
      fc.property(latest, (ended) => {
        expect(refreshCause(OFF, ended, 'p2', NOW)).toBeNull();
        expect(refreshCause({ ...OFF, onChange: true }, ended, 'p2', NOW)).toBe(ended.hasSameInputs ? null : 'change');
        const isDue = ended.createdAt <= NOW - 1000 || ended.createdAt > NOW;
        expect(refreshCause({ ...OFF, everyMs: 1000 }, ended, 'p2', NOW)).toBe(isDue ? 'interval' : null);
        const cause = refreshCause({ ...OFF, onNewPopulation: true }, ended, 'p2', NOW);
        const mayDieAgain = ended.state === 'failed' && ended.populationVersion === null;
        expect(cause).toBe(ended.populationVersion === 'p2' || mayDieAgain ? null : 'population');
      }),
    );
  });

  it('names the population before a change, and a change before the interval', () => {
    const all = { everyMs: 1000, onNewPopulation: true, onChange: true };
    const old = { ...LATEST, createdAt: NOW - 1000, hasSameInputs: false };
    expect(refreshCause(all, old, 'p2', NOW)).toBe('population');
    expect(refreshCause(all, old, 'p1', NOW)).toBe('change');
    expect(refreshCause(all, old, null, NOW)).toBe('change');
    expect(refreshCause(all, { ...old, hasSameInputs: true }, 'p1', NOW)).toBe('interval');
  });
});

describe('refuseTaken', () => {
  it('names the campaign that has the external id', () => {
    refuseTaken('x', undefined);
    expect(() => refuseTaken('x', 'c1')).toThrow(
      expect.objectContaining({ code: 'external_id_taken', facts: { campaign_id: 'c1' } }),
    );
  });
});
