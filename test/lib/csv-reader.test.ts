/** The grammar of CSV: records with the lines that they begin at, for any batches of lines. */
import { parse } from 'csv-parse/sync';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type CsvFault, CsvReader, findFirstRecord, parseCsvRecord } from '../../src/lib/text/csv-reader.ts';
import { type LineBatch, splitLines } from '../../src/lib/text/lines.ts';

type Found = readonly [line: number, record: readonly string[] | CsvFault];

async function* batchesOf(text: string, chunkBytes: number): AsyncGenerator<LineBatch> {
  const bytes = Buffer.from(text);
  async function* chunks() {
    for (let at = 0; at < bytes.length; at += chunkBytes) yield bytes.subarray(at, at + chunkBytes);
  }
  const refuse = (line: number, fault: string) => new Error(`${fault} ${line}`);
  yield* splitLines(chunks(), { maximumBytes: 1e6, refuse });
}

async function read(text: string, { delimiter = ',', chunkBytes = 1000, maximumRecordBytes = 1000 } = {}) {
  const found: Found[] = [];
  const reader = new CsvReader({
    delimiter,
    maximumRecordBytes,
    take: (fields, line) => found.push([line, [...fields]]),
    refuse: (fault, line) => found.push([line, fault]),
  });
  for await (const batch of batchesOf(text, chunkBytes)) reader.read(batch);
  reader.end();
  return found;
}

describe('CsvReader', () => {
  const text =
    'id,"na""me"\r\n\n1,plain\n2,"two\r\nlines, ""quoted"""\r\n"","a\n\nb"\n\r\n3, " \n"4",ö\rx\n5,"\n,\n",6\nlast';
  const records: readonly Found[] = [
    [1, ['id', 'na"me']],
    [3, ['1', 'plain']],
    [4, ['2', 'two\r\nlines, "quoted"']],
    [6, ['', 'a\n\nb']],
    [10, 'quote_in_field'],
    [11, ['4', 'ö\rx']],
    [12, ['5', '\n,\n', '6']],
    [15, ['last']],
  ];

  it.each([1, 2, 3, 7, 16, 1000])('reads the same records from chunks of %i bytes', async (chunkBytes) => {
    expect(await read(text, { chunkBytes })).toEqual(records);
  });

  it.each<[string, readonly Found[]]>([
    ['a,"b', [[1, 'not_closed']]],
    [
      'a\n"b""',
      [
        [1, ['a']],
        [2, 'not_closed'],
      ],
    ],
    [
      '"a"b,c\nd\n',
      [
        [1, 'text_after_quote'],
        [2, ['d']],
      ],
    ],
    [
      '"a\nb"c,d\n"e\nf"',
      [
        [1, 'text_after_quote'],
        [3, ['e\nf']],
      ],
    ],
    ['"a" ,b\n', [[1, 'text_after_quote']]],
    ['a"b"\n', [[1, 'quote_in_field']]],
    // the quote at a stray inch sign opens nothing
    [
      '5" disc,1\nx,2\n7" disc,3\ny,4\n',
      [
        [1, 'quote_in_field'],
        [2, ['x', '2']],
        [3, 'quote_in_field'],
        [4, ['y', '4']],
      ],
    ],
    [
      'a\n5" disc',
      [
        [1, ['a']],
        [2, 'quote_in_field'],
      ],
    ],
    ['""\n', [[1, ['']]]],
    ['\n\r\n', []],
    [' \n', [[1, [' ']]]],
    ['a,\n', [[1, ['a', '']]]],
  ])('takes %j as %j', async (content, expected) => {
    expect(await read(content)).toEqual(expected);
    expect(await read(content, { chunkBytes: 1 })).toEqual(expected);
  });

  it('separates by other delimiters', async () => {
    expect(await read('a;"b;c"\nd,e;f\n', { delimiter: ';' })).toEqual([
      [1, ['a', 'b;c']],
      [2, ['d,e', 'f']],
    ]);
  });

  it.each([1, 50, 10_000])('holds no more than the maximum of a record, in chunks of %i bytes', async (chunkBytes) => {
    const long = `a\n"${'x\n'.repeat(1000)}",1\nb\n`;
    const found = await read(long, { chunkBytes });
    expect(found.slice(0, 2)).toEqual([
      [1, ['a']],
      [2, 'too_long'],
    ]);
    const fits = `"${'xy\n'.repeat(300)}",1\nb\n`;
    expect((await read(fits, { chunkBytes })).map(([line]) => line)).toEqual([1, 302]);
  });

  it('takes any fields as they were written, and as csv-parse alone does', async () => {
    const unit = fc.constantFrom('a', '"', ',', '\n', '\r\n', ' ', 'ö', '😀');
    const field = fc.string({ unit, maxLength: 6 });
    const quote = (value: string) =>
      /[",\n\r]/.test(value) || value === '' ? `"${value.replaceAll('"', '""')}"` : value;
    const rows = fc.array(fc.array(field, { minLength: 1, maxLength: 3 }), { maxLength: 8 });
    await fc.assert(
      fc.asyncProperty(
        rows,
        fc.constantFrom('\n', '\r\n'),
        fc.integer({ min: 1, max: 40 }),
        async (all, end, chunkBytes) => {
          const written = all.map((row) => row.map(quote).join(',') + end).join('');
          const found = await read(written, { chunkBytes });
          expect(found.map(([, record]) => record)).toEqual(all);
          const lines = all.map(
            (_, i) =>
              1 +
              [
                ...all
                  .slice(0, i)
                  .map((row) => row.map(quote).join(',') + end)
                  .join(''),
              ].filter((c) => c === '\n').length,
          );
          expect(found.map(([line]) => line)).toEqual(lines);
          expect(parse(written, { relax_column_count: true, record_delimiter: ['\r\n', '\n'] })).toEqual(all);
        },
      ),
    );
  });

  it('takes any text as csv-parse alone does, up to its first fault', async () => {
    const content = fc.string({ unit: fc.constantFrom('a', 'b', '"', '"', ',', '\n', '\r\n', ' '), maxLength: 60 });
    await fc.assert(
      fc.asyncProperty(content, fc.integer({ min: 1, max: 40 }), async (written, chunkBytes) => {
        const found = await read(written, { chunkBytes });
        const fault = found.findIndex(([, record]) => typeof record === 'string');
        const alone: string[][] = [];
        let isWhole = true;
        try {
          const options = { relax_column_count: true, record_delimiter: ['\r\n', '\n'], skip_empty_lines: true };
          parse(`${written}\n`, { ...options, on_record: (fields: string[]) => void alone.push(fields) });
        } catch {
          isWhole = false;
        }
        expect(found.slice(0, fault < 0 ? undefined : fault).map(([, record]) => record)).toEqual(alone);
        expect(fault < 0).toBe(isWhole);
      }),
      { numRuns: 500 },
    );
  });
});

describe('findFirstRecord', () => {
  it('finds a record that spans lines after empty ones', async () => {
    expect(await findFirstRecord(batchesOf('\r\n\n"a\nb",c\r\nd\n', 2))).toEqual({ text: '"a\nb",c', line: 3 });
    expect(await findFirstRecord(batchesOf('\n\n', 1))).toBeNull();
  });
});

describe('parseCsvRecord', () => {
  it('returns the fields, or the fault', () => {
    expect(parseCsvRecord('"a\nb";c', ';')).toEqual(['a\nb', 'c']);
    expect(parseCsvRecord('a')).toEqual(['a']);
    expect(parseCsvRecord('')).toEqual(['']);
    expect(parseCsvRecord('"a')).toBe('not_closed');
  });
});
