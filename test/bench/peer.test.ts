import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { useFolders } from '../fixture/folders.ts';
import { PYTHON, peerWay, runPeer } from './peer.ts';

const folder = useFolders();

function peerThatRuns(script: string): { peer: string; note: (line: string) => void; notes: string[] } {
  const peer = join(folder(), 'peer.py');
  writeFileSync(peer, script);
  const notes: string[] = [];
  return { peer, note: (line) => notes.push(line), notes };
}

const PRINTS = `
print('params 21958802')
print('score B 512 users/s 5303')
print('score B 4096 users/s 17849')
print('adapt step (dense Adam, official) s 0.25')
print('adapt step (frozen emb) s 0.025')
for s in (2.5, 2.0, 3.0): print('meta step 5 tasks s', s)
`;

describe('the PyTorch peer', () => {
  it('is missing, with a loud note, if no file is given', () => {
    const notes: string[] = [];
    const options = { peer: null, note: (line: string) => notes.push(line) };
    expect(runPeer(options)).toBeNull();
    expect(peerWay(options, ({ metaStep }) => metaStep)).toBeNull();
    expect(notes).toEqual(Array(2).fill(expect.stringMatching(/MISSING.*no --peer FILE/)));
  });

  // the title says why it is skipped
  describe.skipIf(!existsSync(PYTHON))(`run by ${PYTHON}, without which these are skipped`, () => {
    it('gives its best figures', () => {
      expect(runPeer(peerThatRuns(PRINTS))).toEqual({
        usersPerSecond: 17_849,
        denseStep: 0.25,
        frozenStep: 0.025,
        metaStep: 2,
      });
    });

    it('is a way of interleave that runs once per call', async () => {
      const count = join(folder(), 'count');
      const own = peerThatRuns(`${PRINTS}\nopen(${JSON.stringify(count)}, 'a').write('x')`);
      const way = peerWay(own, ({ denseStep }) => denseStep)!;
      expect([await way(), await way()]).toEqual([0.25, 0.25]);
      expect(own.notes).toEqual([]);
      expect(readFileSync(count, 'utf8')).toBe('xx');
    });

    it.each([
      ['ends with an error', "raise SystemExit('no module named torch')", /no module named torch/],
      ['prints something else', "print('hello')", /other lines than expected/],
      ['lacks a figure', PRINTS.replace(/.*frozen.*/, ''), /other lines than expected/],
    ])('is missing, with a loud note, if it %s', (_, script, reason) => {
      const own = peerThatRuns(script);
      expect(runPeer(own)).toBeNull();
      expect(own.notes).toEqual([expect.stringMatching(reason)]);
    });

    it('is missing, with a loud note, if the file does not exist', () => {
      const notes: string[] = [];
      expect(runPeer({ peer: join(folder(), 'none.py'), note: (line) => notes.push(line) })).toBeNull();
      expect(notes).toEqual([expect.stringMatching(/MISSING.*No such file/)]);
    });
  });
});
