/** Scheduling of streams: all continue in order, and other work is handled in between. */
import { expect, it } from 'vitest';
import { createTurns } from '../../../src/http/audiences/stream/stream-slots.ts';

/** Takes the processor, as formatting a chunk does. */
function work(ms: number): void {
  const end = performance.now() + ms;
  while (performance.now() < end);
}

it('keeps the event loop for a few milliseconds at a time, however many streams are open', async () => {
  let at = 0;
  const turn = createTurns(() => at);
  const chunks = Array.from({ length: 64 }, () => 0);
  let most = 0;
  let sinceTurn = 0;
  let isOver = false;
  const look = () => {
    most = Math.max(most, sinceTurn);
    sinceTurn = 0;
    if (!isOver) setImmediate(look);
  };
  setImmediate(look);
  const streams = chunks.map(async (_, i) => {
    for (let chunk = 0; chunk < 20; chunk++) {
      await turn();
      // each takes a millisecond of this clock
      at += 1;
      sinceTurn += 1;
      chunks[i]! += 1;
      // no stream is more than a round ahead
      expect(Math.max(...chunks) - Math.min(...chunks)).toBeLessThanOrEqual(1);
    }
  });
  await Promise.all(streams);
  isOver = true;
  expect(new Set(chunks)).toEqual(new Set([20]));
  expect([most >= 2, most <= 5]).toEqual([true, true]);
});

it('lets timers in while a stream that is alone goes on', async () => {
  const turn = createTurns(() => performance.now());
  let ticks = 0;
  const timer = setInterval(() => ticks++, 1);
  for (let chunk = 0; chunk < 30; chunk++) {
    await turn();
    work(2);
  }
  clearInterval(timer);
  expect(ticks).toBeGreaterThan(5);
});
