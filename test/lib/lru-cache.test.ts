/** Caches of limited size: who leaves, what counts as use, and who is told. */
import { describe, expect, it } from 'vitest';
import { LruCache } from '../../src/lib/lru-cache.ts';

describe('LruCache', () => {
  it('evicts the least recently used entry', () => {
    const left: string[] = [];
    const cache = new LruCache<string, number>({ maximum: 2, onLeave: (value, key) => left.push(`${key}=${value}`) });
    cache.add('a', 1);
    cache.add('b', 2);
    expect(cache.get('a')).toBe(1);
    cache.add('c', 3);
    expect(left).toEqual(['b=2']);
    expect(cache.keys()).toEqual(['a', 'c']);
    expect(cache.get('b')).toBeUndefined();
  });

  it('does not count a peek as use', () => {
    const cache = new LruCache<string, number>({ maximum: 2 });
    cache.add('a', 1);
    cache.add('b', 2);
    expect(cache.peek('a')).toBe(1);
    cache.add('c', 3);
    expect(cache.peek('a')).toBeUndefined();
  });

  it('counts sizes, and does not keep what is larger than the maximum', () => {
    const cache = new LruCache<string, number>({ maximum: 10, sizeOf: (value) => value });
    cache.add('a', 4);
    cache.add('b', 5);
    cache.add('c', 11);
    expect(cache.keys()).toEqual(['a', 'b']);
    cache.add('d', 10);
    expect(cache.keys()).toEqual(['d']);
    expect(cache.size).toBe(10);
  });

  it('replaces the value of a key, and deletes', () => {
    const left: number[] = [];
    const cache = new LruCache<string, number>({ maximum: 10, sizeOf: (value) => value, onLeave: (v) => left.push(v) });
    cache.add('a', 4);
    cache.add('a', 6);
    cache.delete('a');
    cache.delete('a');
    expect(left).toEqual([4, 6]);
    expect(cache.size).toBe(0);
  });
});
