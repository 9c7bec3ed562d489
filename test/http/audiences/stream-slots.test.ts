import { describe, expect, it } from 'vitest';
import { ACTORS } from '../../../src/domain/audit.ts';
import { StreamSlots } from '../../../src/http/audiences/stream/stream-slots.ts';

let now = 0;

/** Four slots, and a function that opens a stream which notes its end. */
function openSlots() {
  now = 0;
  let open = 0;
  const slots = new StreamSlots(
    { maximumOpenStreams: 4, streamYieldMs: 5_000 },
    () => now,
    (count) => {
      open = count;
    },
  );
  const ended: string[] = [];
  const start = (actor: string, name: string, isUnread = false) => {
    const slot = slots.take({ caller: { actor, scope: 'read', labels: null } });
    slot.end = ({ code }) => void ended.push(`${name} ${code}`);
    slot.noteChunk(isUnread);
    return slot;
  };
  return { start, ended, open: () => open };
}

const BUSY = { code: 'unavailable', message: '4 streams are open, which is the maximum', facts: { retry_after: 5 } };

describe('StreamSlots', () => {
  it('refuses one too many, until a slot is released', () => {
    const { start, ended, open } = openSlots();
    const [first] = ['a', 'b', 'c', 'd'].map((name) => start('key', name));
    expect(() => start('key', 'e')).toThrow(expect.objectContaining(BUSY));
    first!.release();
    first!.release();
    expect(open()).toBe(3);
    start('key', 'e');
    expect([open(), ended]).toEqual([4, []]);
  });

  it('ends the stream that has been unread for longest, once it has been for some time', () => {
    const { start, ended, open } = openSlots();
    start('key', 'a');
    for (const name of ['b', 'c', 'd']) {
      start('key', name, true);
      now += 1_000;
    }
    expect(() => start('key', 'e')).toThrow(expect.objectContaining(BUSY));
    now += 2_000;
    start('key', 'e');
    expect([open(), ended]).toEqual([4, ['b request_timeout']]);
  });

  it('gives each key its share at once, and takes it from unread streams first', () => {
    const { start, ended } = openSlots();
    start('greedy', 'a');
    start('greedy', 'b', true);
    start('greedy', 'c');
    start('greedy', 'd');
    start('other', 'e');
    start('other', 'f');
    expect(ended).toEqual(['b request_timeout', 'a request_timeout']);
    expect(() => start('other', 'g')).toThrow(expect.objectContaining(BUSY));
    expect(() => start('greedy', 'g')).toThrow(expect.objectContaining(BUSY));
  });

  it('ends no stream that has not begun', () => {
    const { start } = openSlots();
    for (const name of ['a', 'b', 'c', 'd']) start(ACTORS.operator, name).end = null;
    expect(() => start('other', 'e')).toThrow(expect.objectContaining(BUSY));
  });
});
