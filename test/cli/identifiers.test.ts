/** `population identifiers`: user ids of a file of identifiers. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { populationIdentifiersCommand } from '../../src/cli/commands/population/identifiers.ts';
import type { RuleName } from '../../src/domain/identities.ts';
import { useFolders } from '../fixture/folders.ts';

const newFolder = useFolders();

async function idsOf(content: string, type: string, rule: RuleName): Promise<string[]> {
  const path = join(newFolder(), 'identifiers.txt');
  writeFileSync(path, content);
  const printed: string[] = [];
  const output = { result: (line: string) => printed.push(line), note: () => {}, progress: () => {} };
  await populationIdentifiersCommand(path, { type, rule }, output);
  return printed.join('\n').split('\n');
}

describe('the ids of a file of identifiers', () => {
  it('are one for each line', async () => {
    expect(await idsOf('MyEmail@example.com\r\n john_smith@gmail.com\n', 'email', 'adcp')).toEqual([
      expect.stringMatching(/^email:adcp:[0-9a-f]{64}$/),
      'email:adcp:62a14e44f765419d10fea99367361a727c12365e2520f32218d505ed9aa0f62f',
    ]);
  });

  it.each(['a@b.c\nsecret.person\n', 'a@b.c\n\na@b.c\n'])(
    'name the line of a malformed one, not its value: %j',
    async (text) => {
      const error = await idsOf(text, 'email', 'adcp').catch((thrown: unknown) => thrown as Error);
      expect(error).toMatchObject({ code: 'invalid_data', message: expect.stringContaining('identifiers.txt:2: ') });
      expect((error as Error).message).not.toContain('secret.person');
    },
  );

  it('need a rule of their type', async () => {
    await expect(idsOf('a@b.c\n', 'phone', 'liveramp-md5')).rejects.toThrow(/rules of the type phone are adcp, meta/);
  });
});
