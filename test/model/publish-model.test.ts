/** Two processes in different PID namespaces copy a model into a folder of models at once, as promotions do. */
import { readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, it } from 'vitest';
import { readModelFolder } from '../../src/model/folder.ts';
import { newFolder } from '../fixture/folders.ts';
import { describeInNamespaces, runInNamespace } from '../fixture/namespaces.ts';
import { size } from '../fixture/size.ts';
import { tinyWorld } from '../fixture/tiny-world.ts';

const TURNS = size(30, 80);
const CHILD = new URL('./children/publish-model.ts', import.meta.url);
const world = await tinyWorld();

describeInNamespaces('publishModel', () => {
  it('makes one complete copy if two processes copy at once, both with process id 1', {
    timeout: 120_000,
  }, async () => {
    const models = join(newFolder(), 'models');
    const args = [models, world.model, String(TURNS)];
    const sides = await Promise.all([1, 2].map(() => runInNamespace(CHILD, args).ended));
    const { version } = readModelFolder(world.model).manifest;
    for (const { lines, errors } of sides)
      expect([errors, new Set(lines), lines.length]).toEqual(['', new Set([version]), TURNS]);
    for (const name of readdirSync(dirname(models)))
      expect(readdirSync(join(dirname(models), name))).toEqual([version]);
  });
});
