import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { endChild } from '../../src/lib/end-child.ts';

it('endChild does not wait for a child that could not be started', async () => {
  const child = spawn(join(import.meta.dirname, 'no-such-program'));
  await once(child, 'error');
  await expect(endChild(child, () => {}, 60_000)).resolves.toBeUndefined();
});
