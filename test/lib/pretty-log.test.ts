/** Lines of the log for people: what we ask of pino-pretty, and what no text may do to a terminal. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createPrettyPrinter } from '../../src/lib/pretty-log.ts';

const line = (fields: object) =>
  `${JSON.stringify({ level: 30, time: '2026-11-26T14:03:07.123Z', name: 'api', ...fields })}\n`;
const print = createPrettyPrinter(false);

describe('createPrettyPrinter', () => {
  it('has time, level, process, message and the other fields in a line', () => {
    expect(print(line({ method: 'GET', status: 200, ms: 3.1, ok: true, msg: 'answered' }))).toBe(
      '[14:03:07.123] INFO (api): answered {"method":"GET","status":200,"ms":3.1,"ok":true}\n',
    );
    expect(print(line({ level: 50, name: 'engine', msg: 'lost' }))).toBe('[14:03:07.123] ERROR (engine): lost\n');
  });

  it('has the stack of an error below, with the facts of the error', () => {
    const err = { type: 'AppError', message: 'broken', stack: 'AppError: broken\n    at here', code: 'storage_failed' };
    const text = print(line({ err, msg: 'sorry' }));
    expect(text).toMatch(/^\[14:03:07.123\] INFO \(api\): sorry/);
    expect(text).toMatch(/\n +AppError: broken\n +at here\n/);
    expect(text).toContain('"code": "storage_failed"');
  });

  it('lets no text move the cursor or start a line', () => {
    const hostile = fc.string({
      unit: fc.constantFrom('\u001b', '\u009b', '\u007f', '\r', '\b', '\\', 'u001b', '"', 'x'),
    });
    fc.assert(
      fc.property(hostile, hostile, (one, other) => {
        const text = print(line({ a: one, b: { c: other }, msg: `${other}\n${one}`, err: { stack: `z${one}` } }));
        expect(text.replaceAll('\n', '')).not.toMatch(/\p{Cc}/u);
        expect(text.split('\n').filter((start) => /^\S/.test(start))).toHaveLength(1);
      }),
    );
  });

  it('is coloured only on a terminal', () => {
    expect(createPrettyPrinter(true)(line({ msg: 'x' }))).toContain('\u001b[32mINFO\u001b[39m');
  });
});
