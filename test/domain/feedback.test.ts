/** Of a user's events, the latest counts, in whatever order they arrive. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  decideFeedback,
  FEEDBACK_EVENTS,
  FeedbackChange,
  type FeedbackEvent,
  type LastEvent,
} from '../../src/domain/feedback.ts';

const events = fc.array(
  fc.record({ userId: fc.constant('u'), event: fc.constantFrom(...FEEDBACK_EVENTS), happenedAt: fc.nat(5) }),
  { maxLength: 20 },
);

function lastOf(history: readonly FeedbackEvent[]): LastEvent | undefined {
  let before: LastEvent | undefined;
  for (const event of history) before = decideFeedback(before, event).last ?? before;
  return before;
}

describe('decideFeedback', () => {
  it('keeps the latest event and, of events at the same time, the one received last', () => {
    fc.assert(
      fc.property(events, (history) => {
        const latest = history.reduce<FeedbackEvent | undefined>(
          (last, event) => (last === undefined || event.happenedAt >= last.happenedAt ? event : last),
          undefined,
        );
        expect(lastOf(history)).toEqual(latest && { event: latest.event, happenedAt: latest.happenedAt });
      }),
    );
  });

  it('changes nothing when all events are sent again in order of time', () => {
    fc.assert(
      fc.property(events, (history) => {
        const sorted = history.toSorted((a, b) => a.happenedAt - b.happenedAt);
        expect(lastOf([...sorted, ...sorted])).toEqual(lastOf(sorted));
      }),
    );
  });

  it('takes an event that is reported as it happens, whatever the clock says', () => {
    const before = { event: 'click', happenedAt: 9 } as const;
    const now = { userId: 'u', event: 'conversion', happenedAt: 3 } as const;
    expect(decideFeedback(before, now)).toEqual({ isTaken: false, last: null });
    expect(decideFeedback(before, { ...now, isNow: true }).last).toEqual({ event: 'conversion', happenedAt: 9 });
  });
});

describe('FeedbackChange', () => {
  it('counts users by latest event as if their latest events had been counted', () => {
    const users = fc.array(
      fc.record({
        userId: fc.constantFrom('a', 'b', 'c'),
        event: fc.constantFrom(...FEEDBACK_EVENTS),
        happenedAt: fc.nat(3),
      }),
      { maxLength: 20 },
    );
    fc.assert(
      fc.property(users, (history) => {
        const latest = new Map<string, LastEvent>();
        const change = new FeedbackChange();
        let taken = 0;
        for (const event of history) {
          const before = latest.get(event.userId);
          if (before === undefined || event.happenedAt >= before.happenedAt) taken += 1;
          const last = change.take(before, event);
          if (last !== null) latest.set(event.userId, last);
        }
        const counts = { conversion: 0, click: 0, dismissal: 0 };
        for (const { event } of latest.values()) counts[event] += 1;
        expect([change.counts, change.taken]).toEqual([counts, taken]);
      }),
    );
  });
});
