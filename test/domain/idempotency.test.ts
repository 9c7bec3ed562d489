/** A repeated request gets the same response for a day. */
import { describe, expect, it } from 'vitest';
import { answerAgain, KEY_LIFETIME_MS } from '../../src/domain/idempotency.ts';

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
