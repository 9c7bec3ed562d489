/** SipHash-2-4, compared with the published vector and with the definition in the paper. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { SipHash } from '../../src/lib/sip-hash.ts';

const MASK = 2n ** 64n - 1n;

/** The whole hash of a message of four bytes, in the words of the paper. */
function reference(key: Uint8Array, message: number): bigint {
  const view = new DataView(key.buffer, key.byteOffset);
  const [k0, k1] = [view.getBigUint64(0, true), view.getBigUint64(8, true)];
  const v = [
    ...[k0 ^ 0x736f6d6570736575n, k1 ^ 0x646f72616e646f6dn],
    ...[k0 ^ 0x6c7967656e657261n, k1 ^ 0x7465646279746573n],
  ];
  const rotate = (x: bigint, by: bigint) => ((x << by) | (x >> (64n - by))) & MASK;
  const half = ([a, b, c, d]: readonly [number, number, number, number], by: readonly [bigint, bigint]) => {
    v[a] = (v[a]! + v[b]!) & MASK;
    v[c] = (v[c]! + v[d]!) & MASK;
    v[b] = rotate(v[b]!, by[0]) ^ v[a];
    v[d] = rotate(v[d]!, by[1]) ^ v[c];
    v[a] = rotate(v[a], 32n);
  };
  const round = () => {
    half([0, 1, 2, 3], [13n, 16n]);
    half([2, 1, 0, 3], [17n, 21n]);
  };
  const block = (4n << 56n) | BigInt(message);
  v[3]! ^= block;
  for (let i = 0; i < 2; i++) round();
  v[0]! ^= block;
  v[2]! ^= 0xffn;
  for (let i = 0; i < 4; i++) round();
  return v.reduce((all, word) => all ^ word);
}

const PAPER_KEY = Uint8Array.from({ length: 16 }, (_, i) => i);

it('is the published hash of 00 01 02 03', () => {
  expect(reference(PAPER_KEY, 0x03020100).toString(16)).toBe('cf2794e0277187b7');
  expect(new SipHash(PAPER_KEY).wordOf(0x03020100)).toBe(0x277187b7);
});

it('is the hash of the paper for any key and number', () => {
  const keys = fc.uint8Array({ minLength: 16, maxLength: 16 });
  fc.assert(
    fc.property(keys, fc.integer({ min: 0, max: 2 ** 32 - 1 }), (key, message) => {
      expect(BigInt(new SipHash(key).wordOf(message))).toBe(reference(key, message) & 0xffffffffn);
    }),
  );
});
