/** Signatures, checked by an independent implementation. */
import { Webhook } from 'standardwebhooks';
import { describe, expect, it } from 'vitest';
import { signedHeaders } from '../../../src/service/webhooks/signature.ts';

const OLD = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;
const NEW = `whsec_${Buffer.alloc(32, 9).toString('base64')}`;
const BODY = '{"type":"campaign.ready","data":{"name":"Schuhe für den Herbst 😀"}}';

describe('signedHeaders', () => {
  it('verifies with each of the secrets, and with no other', () => {
    const headers = signedHeaders('event-1', BODY, [NEW, OLD], Date.now());
    for (const secret of [NEW, OLD]) expect(new Webhook(secret).verify(BODY, headers)).toEqual(JSON.parse(BODY));
    const other = `whsec_${Buffer.alloc(32, 8).toString('base64')}`;
    expect(() => new Webhook(other).verify(BODY, headers)).toThrow('No matching signature');
    expect(() => new Webhook(NEW).verify(`${BODY} `, headers)).toThrow('No matching signature');
    expect(() => new Webhook(NEW).verify(BODY, { ...headers, 'webhook-id': 'event-2' })).toThrow('No matching');
  });

  it('is what the package signs, with the time in whole seconds', () => {
    const now = 1_700_000_000_999;
    const headers = signedHeaders('event-1', BODY, [NEW], now);
    expect(headers['webhook-timestamp']).toBe('1700000000');
    expect(headers['webhook-signature']).toBe(new Webhook(NEW).sign('event-1', new Date(now), BODY));
  });
});
