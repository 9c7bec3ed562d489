/** The log: JSON lines on stderr, none lost at the end, no secret. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { jsonLines } from '../fixture/json-lines.ts';

describe('createLogger', () => {
  it('writes JSON lines to stderr, with the stack of errors and without keys, also when the process ends at once', () => {
    const script = fileURLToPath(new URL('./children/log.ts', import.meta.url));
    const { stdout, stderr } = spawnSync(process.execPath, [script], { encoding: 'utf8' });
    const lines = jsonLines(stderr);
    lines.sort((a, b) => a.level - b.level); // lines that are pending when the process ends may be out of order
    expect(stdout).toBe('');
    expect(lines).toEqual([
      expect.objectContaining({ level: 30, name: 'child', msg: 'hello', time: expect.stringMatching(/^\d{4}-.*Z$/) }),
      expect.objectContaining({
        level: 50,
        msg: 'sorry',
        err: expect.objectContaining({ message: 'broken', stack: expect.stringMatching(/\n\s+at /) }),
      }),
    ]);
    expect(stderr).not.toContain('secret');
  });
});
