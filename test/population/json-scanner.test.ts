/** The scanner of NDJSON reads only lines that JSON.parse reads, with the same values. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ABSENT, JsonScanner, NULL, OTHER, Seekable, TEXT, TEXTS } from '../../src/population/import/json-scanner.ts';
import { stringOf } from '../../src/population/kinds/tokens.ts';
import { size } from '../fixture/size.ts';

const KEYS = ['user_id', 'city', 'é'];

/** The wanted values of a line, between other lines; null if the scanner leaves the line to JSON.parse. */
function scan(line: string, scanner = new JsonScanner(KEYS)): Record<string, unknown> | null {
  const before = Buffer.from('"before":[1]}\n');
  const bytes = Buffer.concat([before, Buffer.from(`${line}\n,"city":"after"}\n`)]);
  const end = before.length + Buffer.byteLength(line);
  return scanner.scan(bytes, before.length, end) ? valuesOf(scanner) : null;
}

function valuesOf(scanner: JsonScanner): Record<string, unknown> {
  const text = new Seekable();
  const found: Record<string, unknown> = {};
  for (const [key, name] of KEYS.entries()) {
    const [start, end] = [scanner.starts[key]!, scanner.ends[key]!];
    switch (scanner.kinds[key]) {
      case ABSENT:
        break;
      case NULL:
        found[name] = null;
        break;
      case TEXT:
        scanner.seekText(text, key);
        found[name] = stringOf(text);
        break;
      case TEXTS:
        found[name] = Array.from({ length: end - start }, (_, i) => {
          scanner.seekItem(text, start + i);
          return stringOf(text);
        });
        break;
      case OTHER:
        found[name] = scanner.parse(key);
        break;
    }
  }
  return found;
}

function wantedOf(line: string): Record<string, unknown> {
  const record = JSON.parse(line) as Record<string, unknown>;
  return Object.fromEntries(KEYS.filter((key) => Object.hasOwn(record, key)).map((key) => [key, record[key]]));
}

describe('JsonScanner', () => {
  it.each([
    '{"user_id":"u","city":"Rome"}',
    '{"user_id": "u", "é": ["çay", "", "tea"]}',
    ' { "city" :null,"é":[] , "user_id":-12.5e+3}\r',
    '{"other":true,"city":[1, 2.5, -0],"another":"x","user_id":false}',
    '{"other":[true,false],"other":0,"city":"","__proto__":"x"}',
  ])('reads %s', (line) => {
    expect(scan(line)).toEqual(wantedOf(line));
  });

  it.each([
    ['an escape', '{"user_id":"\\u0041"}'],
    ['an escape in a key', '{"user\\u005fid":"u"}'],
    ['a repeated key', '{"city":"a","city":"b"}'],
    ['an object', '{"user_id":{"a":1}}'],
    ['a list of lists', '{"city":[["a"]]}'],
    ['a list of several types', '{"city":["a",1]}'],
    ['a null in a list', '{"city":["a",null]}'],
    ['no key', '{}'],
    ['no object', '[]'],
    ['a text alone', '"user_id"'],
  ])('leaves a line with %s to JSON.parse', (_, line) => {
    expect(() => JSON.parse(line)).not.toThrow();
    expect(scan(line)).toBeNull();
  });

  it.each([
    '',
    '{"user_id":"u"',
    '{"user_id":"u}',
    '{"user_id":"u"}}',
    '{"user_id":"u"} x',
    '{"user_id":"u",}',
    '{"user_id" "u"}',
    '{user_id:"u"}',
    '{"user_id":"a\tb"}',
    '{"city":["a",]}',
    '{"city":[,"a"]}',
    '{"city":["a" "b"]}',
    '{"city":[1,]}',
    '{"city":["a"}',
    '{"city":nul}',
    '{"city":truefalse}',
    ...['01', '1.', '.5', '+1', '-', '1e', '1e+', '0x1', 'NaN', '1-2'].map((number) => `{"city":${number}}`),
  ])('leaves %j, which is not JSON, to JSON.parse', (line) => {
    expect(() => JSON.parse(line) as unknown).toThrow(SyntaxError);
    expect(scan(line)).toBeNull();
  });

  it('finds what JSON.parse finds in any line that it reads, also in lines with single changes', () => {
    const characters = [...'abé\u6f22 ,:[]{}0-'.repeat(9), ...'"\\\t'];
    const text = fc.array(fc.constantFrom(...characters), { maxLength: 5 }).map((all) => all.join(''));
    const value = fc.oneof(text, fc.constant(null), fc.boolean(), fc.double({ noNaN: true }), fc.array(text));
    const record = fc.dictionary(fc.oneof(fc.constantFrom(...KEYS), text), fc.oneof(value, fc.array(fc.integer())));
    const change = fc.record({
      at: fc.nat(),
      removed: fc.nat(2),
      added: fc.constantFrom('', ...'"\\,:[]{} \t\r0e-.+', 'null', 'true'),
    });
    const scanner = new JsonScanner(KEYS);
    let [scanned, refused] = [0, 0];
    fc.assert(
      fc.property(record, fc.option(change), fc.nat(2), (made, edit, indent) => {
        let line = JSON.stringify(made, null, indent).replaceAll('\n', '');
        if (edit !== null) {
          const at = edit.at % line.length;
          line = line.slice(0, at) + edit.added + line.slice(at + edit.removed);
        }
        const found = scan(line, scanner);
        if (found === null) refused += 1;
        else {
          scanned += 1;
          expect(found).toEqual(wantedOf(line));
        }
      }),
      { numRuns: size(5000, 40_000) },
    );
    expect(Math.min(scanned, refused)).toBeGreaterThan(500);
  });
});
