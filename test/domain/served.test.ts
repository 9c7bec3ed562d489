/** The rules of the row with the served versions. */
import { describe, expect, it } from 'vitest';
import { changeServed, type ServedModelEntry, type ServedVersions, servedModelOf } from '../../src/domain/served.ts';

const entry = (version: string): ServedModelEntry => ({ version, activatedAt: 1, check: null });
const START = { kind: 'start', model: 'm1', population: 'p1' } as const;
const started = changeServed(null, 0, START)!;

describe('changeServed', () => {
  it('makes the first row once', () => {
    expect(started).toEqual({
      ...{ epoch: 1, population: 'p1', models: [{ version: 'm1', activatedAt: null, check: null }] },
    });
    expect(changeServed(started, 0, START)).toBeNull();
  });

  it('refuses a change that was decided on an earlier row', () => {
    const next = changeServed(started, 1, { kind: 'population', version: 'p2' })!;
    expect(next).toMatchObject({ epoch: 2, population: 'p2' });
    expect(changeServed(next, 1, { kind: 'activation', entry: entry('m2') })).toBeNull();
    expect(servedModelOf(changeServed(next, 2, { kind: 'activation', entry: entry('m2') })!)).toBe('m2');
  });

  it('drops the served model from the history on a rollback', () => {
    const second = changeServed(started, 1, { kind: 'activation', entry: entry('m2') })!;
    const back = changeServed(second, 2, { kind: 'rollback', entry: entry('m1') })!;
    expect(back.models).toEqual([entry('m1')]);
    expect(() => changeServed(second, 2, { kind: 'rollback', entry: entry('m3') })).toThrow('model before');
  });

  it('keeps the last 20 models', () => {
    let now: ServedVersions = started;
    for (let i = 2; i <= 30; i++) now = changeServed(now, now.epoch, { kind: 'activation', entry: entry(`m${i}`) })!;
    expect(now.models).toHaveLength(20);
    expect(servedModelOf(now)).toBe('m30');
  });
});
