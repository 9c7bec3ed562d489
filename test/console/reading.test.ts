/** How the console reads lists of customers: its guesses, and ids that arrive in pieces. */
import { describe, expect, it } from 'vitest';
import { userIdOf } from '../../console/src/lists/identifiers.ts';
import { refuseForeign } from '../../console/src/lists/read/foreign.ts';
import { guessLayout, HEAD_BYTES, isSure, previewOf, seedColumns } from '../../console/src/lists/read/layout.ts';
import { readIds } from '../../console/src/lists/read/read-ids.ts';
import { idOf, Sample } from '../../console/src/lists/read/sample.ts';
import { sendIds } from '../../console/src/lists/send-ids.ts';
import { NASTY_CSV } from '../fixture/nasty-csv.ts';

/** A file whose stream returns this many bytes at a time. */
function fileOf(bytes: Uint8Array, atOnce: number): Blob {
  const pieces = Array.from({ length: Math.ceil(bytes.length / atOnce) }, (_, i) =>
    bytes.slice(i * atOnce, (i + 1) * atOnce),
  );
  const stream = () =>
    new ReadableStream({
      start(controller) {
        for (const piece of pieces) controller.enqueue(piece);
        controller.close();
      },
    });
  return { size: bytes.length, stream } as Blob;
}

async function idsOf(bytes: Uint8Array, atOnce: number, layout = guessLayout(bytes, true)): Promise<string[]> {
  const ids: string[] = [];
  for await (const piece of readIds(fileOf(bytes, atOnce), layout)) ids.push(...piece.ids);
  return ids;
}

const text = (content: string) => Buffer.from(content);

describe('reading a list', () => {
  const TABLE = 'Name;Customer ID;Note\r\n"Zoë; 😀";ü1;"two\nlines"\r\nBob;"u""2";\r\n;;\r\nEve;u3;x';
  const UTF_16 = Buffer.from(`\ufeff${TABLE}`, 'utf16le');
  it.each([
    ['UTF-8', 'utf-8', text(TABLE)],
    ['UTF-8 with a mark', 'utf-8', text(`\ufeff${TABLE}`)],
    ['UTF-16', 'utf-16le', UTF_16],
    ['UTF-16 without a mark', 'utf-16le', UTF_16.subarray(2)],
    ['UTF-16, big endian', 'utf-16be', Buffer.from(UTF_16).swap16()],
    ['Windows-1252', 'windows-1252', Buffer.from(TABLE.replace('😀', 'ß'), 'latin1')],
  ])('finds the ids in %s, wherever the pieces end', async (_, encoding, bytes) => {
    const layout = guessLayout(bytes, true);
    expect(layout).toMatchObject({ encoding, separator: ';', hasHeader: true, column: 1 });
    for (const atOnce of [1, 2, 3, 7, 1_000]) expect(await idsOf(bytes, atOnce)).toEqual(['ü1', 'u"2', 'u3']);
  });

  it.each([
    ['lines', 'u1\nu2\n\nu3\n', { separator: 'none', hasHeader: false }],
    ['lines with a name', 'user_id\nu1\nu2\nu3', { separator: 'none', hasHeader: true }],
    ['JSON lines', '{"a":1,"user_id":"u1"}\n{"user_id":"u2"}\n{"user_id":"u3"}\n', { separator: 'json', column: 1 }],
    ['JSON strings', '"u1"\n"u2"\n"u3"\n', { separator: 'json' }],
    ['tabs', 'Ann Lee\tu1\nBob Ray\tu2\nEve Ash\tu3\n', { separator: '\t', hasHeader: false, column: 1 }],
    ['quotes', 'id\n"u1"\n"u2"\nu3\n', { hasHeader: true }],
  ])('says how %s are read', async (_name, content, expected) => {
    const layout = guessLayout(text(content), true);
    expect(layout).toMatchObject(expected);
    expect(await idsOf(text(content), 4)).toEqual(['u1', 'u2', 'u3']);
  });

  it('is certain of a column that is the only one, or has a usual name', () => {
    const sure = (content: string) => {
      const layout = guessLayout(text(content), true);
      return isSure(previewOf(text(content), true, layout), layout);
    };
    expect(sure('u1\nu2\n')).toBe(true);
    expect(sure('mail,crm id\na@b.c,u1\n')).toBe(true);
    expect(sure('alpha,beta\nx1,u1\nx2,u2\n')).toBe(false);
  });

  it('says what cannot be read', async () => {
    const json = { separator: 'json', fields: ['user_id'], hasHeader: false, column: 0, trims: false } as const;
    const read = (bytes: Uint8Array, encoding: 'utf-8' | 'windows-1252') => idsOf(bytes, 5, { ...json, encoding });
    await expect(read(text('{"user_id":'), 'utf-8')).rejects.toThrow('A line is not JSON: {"user_id":');
    await expect(read(Buffer.from('"\xe4"', 'latin1'), 'utf-8')).rejects.toThrow('Parts of the file are not UTF-8');
    expect(await read(Buffer.from('"\xe4"', 'latin1'), 'windows-1252')).toEqual(['ä']);
    await expect(idsOf(text('user_id,a\nu1,"x\nu2,y\n'), 3)).rejects.toThrow('A quote in line 2 is never closed');
  });
});

describe('a table', () => {
  const layoutOf = (content: string) => {
    const layout = guessLayout(text(content), true);
    const { columns } = previewOf(text(content), true, { ...layout, separator: ',', hasHeader: true });
    return { ...layout, separator: ',', hasHeader: true, column: columns.indexOf('user_id') } as const;
  };
  it.each(NASTY_CSV)('is read as the service reads it: $name', async ({ content, ids }) => {
    const layout = layoutOf(content);
    for (const atOnce of [1, 7, 1_000]) {
      const reading = idsOf(text(content), atOnce, layout);
      if ('refusedAt' in ids) await expect(reading).rejects.toThrow(new RegExp(`[Ll]ine ${ids.refusedAt}\\b`));
      else expect(await reading).toEqual(ids);
    }
  });

  it('is recognised by separator and column despite line breaks inside quotes, even in a large file', async () => {
    const row = (i: number) => `"Street ${i}\nBackyard; 2nd floor\n\nTown",u${i},"say ""hi"""\r\n`;
    const content = `"Address\n(post)",customer_id,note\r\n${Array.from({ length: 20_000 }, (_, i) => row(i)).join('')}`;
    const head = text(content).subarray(0, HEAD_BYTES);
    const layout = guessLayout(head, false);
    expect(layout).toMatchObject({ separator: ',', hasHeader: true, column: 1 });
    expect(isSure(previewOf(head, false, layout), layout)).toBe(true);
    const ids = await idsOf(text(content), 64 * 1024, layout);
    expect([ids.length, ids[0], ids.at(-1)]).toEqual([20_000, 'u0', 'u19999']);
  });
});

describe('a file that is not text', () => {
  it.each([
    ['PK\u0003\u0004', 'Save it as CSV'],
    ['%PDF-1.7', 'Save its table as CSV'],
    ['\u001f\u008b\u0008', 'Unpack it first'],
    ['PAR1', 'Parquet'],
  ])('is refused with advice: %j', (content, message) => {
    expect(() => refuseForeign(Buffer.from(content, 'latin1'))).toThrow(message);
  });

  it('is not confused with a list of ids that begin with PK', () => {
    expect(() => refuseForeign(text('PK\nPK-17\n'))).not.toThrow();
  });
});

describe('a sample of ids', () => {
  it('contains ids from all over the list, and all ids of a short one', () => {
    const sample = new Sample(100);
    for (let i = 0; i < 100; i++) sample.add(`u${i}`);
    expect([sample.users.length, sample.isComplete]).toEqual([100, true]);
    for (let i = 100; i < 1_000; i++) sample.add(`u${i}`);
    const numbers = sample.users.map((user) => Number(idOf(user).slice(1)));
    expect(sample.isComplete).toBe(false);
    expect(numbers.length).toBeGreaterThan(50);
    expect(numbers.length).toBeLessThanOrEqual(100);
    expect(new Set(numbers.slice(1).map((number, i) => number - numbers[i]!)).size).toBe(1);
    expect(numbers.at(-1)).toBeGreaterThan(900);
  });

  it('contains fewer people if they have many features', () => {
    const sample = new Sample(100);
    for (let i = 0; i < 100; i++) sample.add({ user_id: `u${i}`, features: { text: 'x'.repeat(12_000) } });
    expect([sample.users.length, sample.isComplete]).toEqual([50, false]);
  });
});

describe('an identifier in a sample', () => {
  const of = (value: string, type: string, rule: 'uid2' | 'adcp' | 'liveramp-md5', isHashed = true) =>
    userIdOf(value, { label: { type, rule }, isHashed, countryCode: '' });

  it('is the hash by its rule, in hex or Base64, and never plain', () => {
    const hex = 'AB'.repeat(32);
    const base64 = Buffer.from(hex, 'hex').toString('base64');
    expect([of(base64, 'email', 'uid2'), of(` ${hex} `, 'email', 'uid2')]).toEqual(
      Array(2).fill(`email:uid2:${base64}`),
    );
    expect(of(base64, 'phone', 'adcp')).toBe(`phone:adcp:${hex.toLowerCase()}`);
    expect(of('0f'.repeat(16), 'email', 'liveramp-md5')).toBe(`email:liveramp-md5:${'0f'.repeat(16)}`);
    const others = [of(hex, 'email', 'liveramp-md5'), of('16505551212', 'phone', 'adcp'), of('a@b.c', 'email', 'uid2')];
    expect([...others, of(hex, 'email', 'uid2', false)]).toEqual(Array(4).fill(null));
  });
});

describe('columns of weights and features', () => {
  const sentOf = async (content: string) => {
    const bytes = text(content);
    const layout = guessLayout(bytes, true);
    const bodies: string[] = [];
    const following = {
      signal: new AbortController().signal,
      onUser: () => {},
      onSent: () => {},
      columns: seedColumns(previewOf(bytes, true, layout)),
    };
    const send = async (body: string) => {
      bodies.push(body);
      return { received: 0, known: 0, unknown: 0, duplicate: 0, outside: 0 };
    };
    await sendIds(fileOf(bytes, 7), layout, send, following);
    return bodies.join('');
  };

  it('are sent with the ids, whatever the file', async () => {
    const lines = '{"user_id":"u1","weight":2.5}\n"u2"\n{"user_id":"u3","weight":"much"}\n';
    expect(await sentOf('Weight;user_id\n2.5;u1\n;u2\nmuch;u3\n')).toBe(lines);
    expect(await sentOf('{"user_id":"u1","weight":2.5}\n{"user_id":"u2"}\n{"user_id":"u3","weight":"much"}\n')).toBe(
      lines,
    );
    expect(await sentOf('user_id,age\nu1,20\n')).toBe('"u1"\n');
    const features = '"features":{"country":"DE","likes":["a"]}';
    expect(
      await sentOf(`{"user_id":"u1"}\n{"user_id":"u2","weight":2,${features}}\n{${features}}\n{"weight":3}\n`),
    ).toBe(`"u1"\n{"user_id":"u2","weight":2,${features}}\n{"user_id":"row:3",${features}}\n`);
    expect(await sentOf(`{${features}}\n{${features}}\n`)).toBe(
      `{"user_id":"row:1",${features}}\n{"user_id":"row:2",${features}}\n`,
    );
  });
});
