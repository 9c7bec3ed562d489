/** Lines of the log for people. */
import { describe, expect, it } from 'vitest';
import { prettyLine } from '../../src/lib/pretty-log.ts';

const line = (fields: object) =>
  JSON.stringify({ level: 30, time: '2026-11-26T14:03:07.123Z', name: 'api', ...fields });

describe('prettyLine', () => {
  it('has time, level, process, message and the other fields', () => {
    expect(prettyLine(line({ method: 'GET', status: 200, ms: 3.1, reason: 'a b', ok: true, msg: 'answered' }))).toBe(
      '14:03:07.123 INFO  api     answered  method=GET status=200 ms=3.1 reason="a b" ok=true\n',
    );
    expect(prettyLine(line({ level: 50, name: 'engine' }))).toBe('14:03:07.123 ERROR engine\n');
  });

  it('has the stack of an error below, with what the error knows', () => {
    const err = { type: 'AppError', message: 'broken', stack: 'AppError: broken\n    at here', code: 'storage_failed' };
    expect(prettyLine(line({ err, msg: 'sorry' }))).toBe(
      '14:03:07.123 INFO  api     sorry\n    AppError: broken\n        at here\n    {"code":"storage_failed"}\n',
    );
  });

  it('lets no text move the cursor or start a line', () => {
    const text = prettyLine(line({ a: 'x\u001b[2J', b: 'y\u009b', msg: 'one\ntwo\u007f', err: { stack: 'z\u001b' } }));
    expect(text.replaceAll('\n', '')).not.toMatch(/\p{Cc}/u);
    expect(text.match(/\n/g)).toHaveLength(2);
  });

  it('is coloured on a terminal alone, and leaves what is no object as it is', () => {
    expect(prettyLine(line({ msg: 'x' }), true)).toContain('\u001b[32mINFO \u001b[0m');
    expect(prettyLine('Segmentation fault\n')).toBe('Segmentation fault\n');
    expect(prettyLine('1')).toBe('1');
  });
});
