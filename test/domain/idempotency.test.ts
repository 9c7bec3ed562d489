/** A repeated request gets the same response for a day. */
import { describe, expect, it } from 'vitest';
import { answerAgain, answerWithout, KEY_LIFETIME_MS } from '../../src/domain/idempotency.ts';

const NOW = 1_700_000_000_000;
const KEPT = { requestSha256: 's', campaignId: 'c', answer: '{}', createdAt: NOW };
const REQUEST = { key: 'k', requestSha256: 's' };

describe('answerAgain', () => {
  it('returns the response for a day, and nothing for a new key', () => {
    expect(answerAgain(undefined, REQUEST, NOW)).toBeNull();
    expect(answerAgain(KEPT, REQUEST, NOW + KEY_LIFETIME_MS - 1)).toBe('{}');
    expect(answerAgain(KEPT, REQUEST, NOW + KEY_LIFETIME_MS)).toBeNull();
  });

  it('refuses the key for another request, and names the campaign if there is one', () => {
    const other = { ...REQUEST, requestSha256: 't' };
    const refusal = (facts: object) => expect.objectContaining({ code: 'idempotency_key_reused', facts });
    expect(() => answerAgain(KEPT, other, NOW)).toThrow(refusal({ campaign_id: 'c' }));
    expect(() => answerAgain({ ...KEPT, campaignId: '' }, other, NOW)).toThrow(refusal({}));
  });
});

describe('answerWithout', () => {
  const answer = '{"id":"c","seeds":{"unknown":2,"unknown_examples":["ann","b\\u0000b"]},"state":"queued"}';

  it('leaves out erased users, and nothing else', () => {
    expect(answerWithout(answer, new Set(['ann', 'eve']))).toBe(
      '{"id":"c","seeds":{"unknown":2,"unknown_examples":["b\\u0000b"]},"state":"queued"}',
    );
    expect(answerWithout(answer, new Set(['b\0b', 'ann']))).toContain('"unknown_examples":[]');
  });

  it('is null if the response names none of the users', () => {
    expect(answerWithout(answer, new Set(['c']))).toBeNull();
    expect(answerWithout('{"id":"ann"}', new Set(['ann']))).toBeNull();
  });
});
