import { describe, expect, it } from 'vitest';
import { emptyVerdict } from '../verdict.ts';
import { checkErasures, type ErasureFacts } from './erasures.ts';

const line = (rank: number, user: string) => JSON.stringify({ rank, user_id: user, score: 1 / rank });

const FACTS: ErasureFacts = {
  erased: [
    { user: 'a', by: 'api', span: { from: 100, to: 200 } },
    { user: 'b', by: 'command', span: { from: 300, to: 400 } },
  ],
  served: [
    // the second erasure was not known everywhere when it was made
    { name: 'x, version 1', lines: [line(1, 'c'), line(3, 'd')], made: { from: 350, to: 450 }, erased: 1 },
    { name: 'x, version 2', lines: [line(1, 'c'), line(2, 'd')], made: { from: 500, to: 600 }, erased: 2 },
  ],
  looks: [{ node: 'node-0', user: 'a', status: 404 }],
  lists: [{ user: 'a', left: 2, expected: 2 }],
  traces: [],
};

function check(change: Partial<ErasureFacts>): string[] {
  const verdict = emptyVerdict();
  checkErasures({ ...FACTS, ...change }, verdict);
  return [...verdict.lost, ...verdict.leftOver];
}

describe('erasures', () => {
  it('are kept if the users are in no audience, look-up, list or object', () => {
    expect(check({})).toEqual([]);
  });

  it.each<[string, Partial<ErasureFacts>, string]>([
    ['a served audience has the user', { served: [{ ...FACTS.served[1]!, lines: [line(1, 'a')] }] }, 'it has a'],
    ['a later audience was made with the user', { served: [{ ...FACTS.served[1]!, erased: 1 }] }, 'after 2 erasures'],
    ['a node knows the user', { looks: [{ node: 'node-1', user: 'b', status: 200 }] }, 'node-1 knows b'],
    ['a list still has the user', { lists: [{ user: 'a', left: 3, expected: 2 }] }, 'has 3 users, not 2'],
    ['a list lost another user too', { lists: [{ user: 'a', left: 1, expected: 2 }] }, 'has 1 users, not 2'],
    ['something that is stored has the id', { traces: ['a in the object seeds/1.txt'] }, 'a in the object'],
  ])('are lost if %s', (_, change, what) => {
    expect(check(change)).toEqual([expect.stringContaining(what)]);
  });
});
