/** The rules of identifiers, against the published vectors. */
import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import {
  containsEmail,
  type IdentifierFormat,
  identifierId,
  type RuleName,
  rulesOf,
} from '../../src/domain/identities.ts';

const idOf = (type: string, rule: RuleName, value: string, more: Partial<IdentifierFormat> = {}) =>
  identifierId(value, { type, rule, isHashed: false, countryCode: null, ...more });
const hex = (algorithm: string, text: string) => createHash(algorithm).update(text).digest('hex');
const uid2Phone = Buffer.from('EObwtHBUqDNZR33LNSMdtt5cafsYFuGmuY4ZLenlue4=', 'base64').toString('hex');

describe('an identifier', () => {
  // https://unifiedid.com/docs/getting-started/gs-normalization-encoding, and Meta's guide to customer information
  it.each([
    ['email', 'uid2', 'MyEmail@example.com', 'uid2:FsGNM28LJQ8OLZB0Us65ZYp07NrovJSGTCMSKnLMJ6U='],
    ['email', 'uid2', 'JANE.SAOIRSE@gmail.com', 'uid2:ku4mBX7Z3qJTXWyLFB1INzkyR2WZGW4ANSJUiW21iI8='],
    ['email', 'uid2', ' JaneSaoirse+Work@gmail.com ', 'uid2:ku4mBX7Z3qJTXWyLFB1INzkyR2WZGW4ANSJUiW21iI8='],
    ['email', 'uid2', 'JaneSaoirse+Work@example.com', 'uid2:KKruSBUjDNO069iMUVImVQZm6RrAGZKeOtrD9mwogYA='],
    ['phone', 'uid2', '1 (234) 567-8901', `adcp:${uid2Phone}`],
    ['email', 'meta', 'John_Smith@gmail.com', 'adcp:62a14e44f765419d10fea99367361a727c12365e2520f32218d505ed9aa0f62f'],
  ] as const)('of type %s and rule %s has the published hash: %s', (type, rule, value, expected) => {
    expect(idOf(type, rule, value)).toBe(`${type}:${expected}`);
  });

  it('of a phone has the published hash of Meta, with the country code of the list', () => {
    const expected = 'phone:meta:e323ec626319ca94ee8bff2e4c87cf613be6ea19919ed1364124e16807ab3176';
    expect(idOf('phone', 'meta', '(650)555-1212', { countryCode: '1' })).toBe(expected);
    expect(idOf('phone', 'meta', '+1 650 555 1212')).toBe(expected);
  });

  it.each([
    ['email', 'google', 'J.Doe +x@GoogleMail.com', 'google', 'sha256', 'jdoe@googlemail.com'],
    ['email', 'uid2', 'j.doe@googlemail.com', 'uid2', 'base64', 'j.doe@googlemail.com'],
    ['email', 'liveramp-md5', 'My Name@liveramp.com ', 'liveramp-md5', 'md5', 'myname@liveramp.com'],
    ['email', 'liveramp-sha1', 'a.b+c@gmail.com', 'liveramp-sha1', 'sha1', 'a.b+c@gmail.com'],
    ['phone', 'liveramp-sha1', '+1 (555) 123-4567', 'liveramp-sha1', 'sha1', '5551234567'],
    ['phone', 'google', '0044 20 7946 0958', 'adcp', 'sha256', '+442079460958'],
    ['maid', 'sha256', 'AB-12', 'sha256', 'sha256', 'ab-12'],
    ['custom:loyalty', 'sha256', ' Card 7 ', 'sha256', 'sha256', 'Card 7'],
  ] as const)('of type %s and rule %s is normalised: %s', (type, rule, value, label, algorithm, text) => {
    const hashed = algorithm === 'base64' ? createHash('sha256').update(text).digest('base64') : hex(algorithm, text);
    expect(idOf(type, rule, value)).toBe(`${type}:${label}:${hashed}`);
  });

  it('adds the country code of the list to national numbers only', () => {
    const expected = idOf('phone', 'adcp', '+442079460958');
    for (const value of ['020 7946 0958', '+44 20 7946 0958', '442079460958'])
      expect(idOf('phone', 'adcp', value, { countryCode: '44' })).toBe(expected);
  });

  it.each([
    ['email', 'adcp', 'no address'],
    ['email', 'adcp', 'a@b@c'],
    ['email', 'uid2', '+x@gmail.com'],
    ['phone', 'adcp', '650 555 1212'],
    ['phone', 'adcp', '+1 650 CALL'],
    ['phone', 'liveramp-sha1', '+44 20 7946 0958'],
    ['uid2', 'sha256', '  '],
  ] as const)('of type %s and rule %s is refused: %s', (type, rule, value) => {
    expect(idOf(type, rule, value)).toBeNull();
  });

  it('that is already hashed may be in hex or Base64, and must have the length of its rule', () => {
    const plain = idOf('email', 'uid2', 'a@b.c')!;
    const base64 = plain.slice('email:uid2:'.length);
    const hashed = { isHashed: true };
    expect(idOf('email', 'uid2', base64, hashed)).toBe(plain);
    expect(idOf('email', 'uid2', Buffer.from(base64, 'base64').toString('hex').toUpperCase(), hashed)).toBe(plain);
    expect(idOf('email', 'adcp', 'AB'.repeat(32), hashed)).toBe(`email:adcp:${'ab'.repeat(32)}`);
    // the last byte of U+0161 is the code of `a`
    const wrong = ['a@b.c', hex('md5', 'a@b.c'), hex('sha1', 'a@b.c'), 'g'.repeat(64), '\u0161'.repeat(64)];
    for (const value of wrong) expect(idOf('email', 'uid2', value, hashed)).toBeNull();
  });

  it('of one rule never equals that of another, unless both rules are the same', () => {
    const ids = rulesOf('email').map((rule) => idOf('email', rule, 'ann@example.com'));
    expect(new Set(ids).size).toBe(ids.length - 1);
    expect(idOf('email', 'meta', 'ann@example.com')).toBe(idOf('email', 'adcp', 'ann@example.com'));
  });
});

describe('a user id', () => {
  it.each([
    ['ann.lee@example.com', true],
    ['  "Ann, ann@example.co.uk"', true],
    ['user_id,ann@example.com', true],
    ['u1@tenant', false],
    ['@ann.lee', false],
    ['u1 @ example.com', false],
    ['email:uid2:FsGNM28LJQ8OLZB0Us65ZYp07NrovJSGTCMSKnLMJ6U=', false],
  ])('contains an e-mail address or not: %s', (text, is) => {
    expect(containsEmail(text)).toBe(is);
  });
});
