import { describe, expect, it } from 'vitest';
import { checkEvents, type EventFacts } from './deliveries.ts';
import type { Received } from './receiver.ts';
import { emptyVerdict } from './verdict.ts';

const event = (id: string, type: string, data: object) => ({ id, type, body: JSON.stringify({ data }) });
const call = (id: string, from: number, change: Partial<Received> = {}): Received => ({
  path: '/first',
  event: id,
  from,
  to: from + 10,
  status: 200,
  ...change,
});

/** A campaign with one expansion, a change of its size and its rollback, and a deleted one. */
const FACTS: EventFacts = {
  webhooks: ['/first'],
  events: [
    event('1', 'campaign.ready', { campaign_id: 'c', expansion_id: 'e' }),
    event('2', 'campaign.resized', { campaign_id: 'c' }),
    event('3', 'campaign.activated', { campaign_id: 'c' }),
    event('4', 'campaign.deleted', { campaign_id: 'd' }),
  ],
  received: [call('1', 1000), call('2', 2000), call('3', 3000), call('4', 4000)],
  entries: [
    { key: 'c0', id: 'c', isDeleted: false, resizes: 1, rollBacks: 1 },
    { key: 'c1', id: 'd', isDeleted: true, resizes: 0, rollBacks: 0 },
  ],
  ready: ['e'],
  disturbances: [],
};

function check(change: Partial<EventFacts>) {
  const verdict = emptyVerdict();
  const counts = checkEvents({ ...FACTS, ...change }, verdict);
  return { ...counts, faults: [...verdict.lost, ...verdict.doubled] };
}

const received = (...more: readonly Received[]) => ({ received: [...FACTS.received, ...more] });
const events = (...more: EventFacts['events']) => ({ events: [...FACTS.events, ...more] });

describe('events and their deliveries', () => {
  it('are complete if each change has one event that every webhook received', () => {
    expect(check({})).toEqual({ events: 4, deliveries: 4, repeated: 0, faults: [] });
  });

  it('may arrive after calls that failed, or again if the sender was disturbed before it recorded the answer', () => {
    const failed = call('2', 1990, { to: 1995, status: 500 });
    expect(check(received(failed)).faults).toEqual([]);
    const again = { ...received(call('1', 9000)), disturbances: [{ from: 1005, to: 5000 }] };
    expect(check(again)).toMatchObject({ repeated: 1, faults: [] });
  });

  it.each<[string, Partial<EventFacts>, string]>([
    ['a delivery that never arrived', { received: FACTS.received.slice(1) }, '/first never got the event 1'],
    ['a webhook that got nothing', { webhooks: ['/first', '/second'] }, '/second never got the event 1'],
    [
      'a delivery that always failed',
      { received: [call('1', 1000, { status: 500 }), ...FACTS.received.slice(1)] },
      '1',
    ],
    ['a delivery that was repeated for no reason', received(call('1', 9000)), 'again, though nothing disturbed'],
    [
      'a delivery that was repeated long after the disturbance',
      {
        ...received(call('1', 9000)),
        disturbances: [
          { from: -9000, to: -5000 },
          { from: 9100, to: 9200 },
        ],
      },
      'again, though nothing disturbed',
    ],
    [
      'a delivery that two processes sent at the same time',
      { ...received(call('1', 1005)), disturbances: [{ from: 0, to: 9999 }] },
      'twice at the same time',
    ],
    ['an event that does not exist', received(call('9', 9000)), 'which does not exist'],
    ['more calls at once than allowed', received(call('7', 1001), call('8', 1002)), '3 calls at the same time'],
    ['an expansion without an event', { ready: ['e', 'f'] }, 'no event for the expansion f'],
    [
      'two events for an expansion',
      events(event('5', 'campaign.refreshed', { expansion_id: 'e' })),
      '2 events for the',
    ],
    ['a deletion without an event', { events: FACTS.events.slice(0, 3) }, 'no event for the deletion'],
    [
      'an event for a deletion that was not',
      events(event('5', 'campaign.deleted', { campaign_id: 'c' })),
      '0 deletions',
    ],
    ['two events for a size', events(event('5', 'campaign.resized', { campaign_id: 'c' })), 'changes of the size'],
    ['two events for an activation', events(event('5', 'campaign.activated', { campaign_id: 'c' })), 'activations'],
  ])('fail for %s', (_, change, what) => {
    expect(check(change).faults.join('\n')).toContain(what);
  });
});
