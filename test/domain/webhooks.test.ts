/** Secrets, deliveries and events of webhooks. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Attempt } from '../../src/domain/webhook-types.ts';
import {
  decideAttempt,
  eventOfEnd,
  reasonAfter,
  refuseMoreWebhooks,
  requireEnabled,
  secretsToKeep,
} from '../../src/domain/webhooks.ts';

const DAY = 86_400_000;

describe('secretsToKeep', () => {
  it('keeps at most four over any rotations, each until its first expiry', () => {
    const rotations = fc.array(fc.tuple(fc.nat(2 * DAY), fc.nat(DAY)), { minLength: 1, maxLength: 20 });
    fc.assert(
      fc.property(rotations, (history) => {
        let now = 0;
        let secrets: { readonly number: number; readonly expiresAt: number | null }[] = [
          { number: 0, expiresAt: null },
        ];
        for (const [i, [passed, graceMs]] of history.entries()) {
          now += passed;
          const kept = secretsToKeep(secrets, graceMs, now);
          expect(kept.length).toBeLessThanOrEqual(4);
          for (const { number, expiresAt } of kept) {
            const before = secrets.find((one) => one.number === number)!;
            expect(expiresAt).toBe(Math.min(before.expiresAt ?? now + graceMs, now + graceMs));
            expect(expiresAt).toBeGreaterThan(now);
          }
          expect(kept.map(({ number }) => number)).toEqual(kept.map(({ number }) => number).toSorted((a, b) => b - a));
          if (graceMs > 0) expect(kept[0]?.number).toBe(secrets[0]!.number);
          secrets = [{ number: i + 1, expiresAt: null }, ...kept];
        }
      }),
    );
  });

  it('keeps nothing without a grace period', () => {
    expect(secretsToKeep([{ number: 1, expiresAt: null }], 0, 5)).toEqual([]);
  });
});

describe('decideAttempt', () => {
  const attempt = {
    state: 'failed',
    nextAttemptAt: null,
    isGone: true,
    url: 'https://a.example/',
    attempts: 2,
  } as const;
  const row = { state: 'pending', attempts: 2, url: 'https://a.example/', enabled: true } as const;

  it('records an attempt of a pending delivery, and disables a webhook that is gone', () => {
    expect(decideAttempt(row, attempt)).toEqual({ isRecorded: true, disables: true });
    expect(decideAttempt(row, { ...attempt, isGone: false })).toEqual({ isRecorded: true, disables: false });
  });

  it('records nothing for a delivery that has ended or is gone', () => {
    for (const state of ['delivered', 'failed', null] as const)
      expect(decideAttempt({ ...row, state }, attempt).isRecorded).toBe(false);
  });

  it('records only a success if another attempt was recorded first', () => {
    const later = { ...row, attempts: 3 };
    expect(decideAttempt(later, attempt).isRecorded).toBe(false);
    expect(decideAttempt(later, { ...attempt, state: 'pending', nextAttemptAt: 5 }).isRecorded).toBe(false);
    expect(decideAttempt(later, { ...attempt, state: 'delivered' }).isRecorded).toBe(true);
  });

  it('leaves a webhook alone if its URL has changed or it is disabled', () => {
    expect(decideAttempt({ ...row, url: 'https://b.example/' }, attempt).disables).toBe(false);
    expect(decideAttempt({ ...row, enabled: false }, attempt).disables).toBe(false);
  });

  it('treats a pending outcome without a next attempt as a bug', () => {
    const pending: Pick<Attempt, 'state'> = { state: 'pending' };
    expect(() => decideAttempt(row, { ...attempt, ...pending })).toThrow('has a next attempt');
  });
});

describe('a webhook', () => {
  it('is limited in number', () => {
    refuseMoreWebhooks(1, 2);
    expect(() => refuseMoreWebhooks(2, 2)).toThrow(expect.objectContaining({ code: 'too_many_webhooks' }));
  });

  it('is sent nothing while it is disabled', () => {
    requireEnabled({ id: 'w', enabled: true });
    expect(() => requireEnabled({ id: 'w', enabled: false })).toThrow(
      expect.objectContaining({ code: 'webhook_disabled' }),
    );
  });

  it('keeps the reason for which it was disabled until it is enabled', () => {
    const gone = { enabled: false, disabledReason: 'gone' };
    expect(reasonAfter(gone, { description: 'x' })).toBe('gone');
    expect(reasonAfter(gone, { enabled: true })).toBeNull();
  });
});

describe('eventOfEnd', () => {
  it('is ready for the first version, refreshed for later ones', () => {
    expect([1, 2].map((version) => eventOfEnd('ready', version))).toEqual(['campaign.ready', 'campaign.refreshed']);
    expect(eventOfEnd('too_small', null)).toBe('campaign.too_small');
    expect(() => eventOfEnd('cancelled', null)).toThrow('there is no event for');
  });
});
