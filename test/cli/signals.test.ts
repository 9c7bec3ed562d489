/** A signal ends a process within its time limit. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const HANGING = fileURLToPath(new URL('./children/hang.ts', import.meta.url));

it.each(['SIGTERM', 'SIGINT'] as const)(
  '%s ends a process that hangs while it stops, and the log says so',
  async (signal) => {
    const child = spawn(process.execPath, [HANGING], { stdio: ['ignore', 'pipe', 'pipe'] });
    const log = text(child.stderr);
    await once(child.stdout, 'data');
    child.kill(signal);
    expect(await once(child, 'exit')).toEqual([1, null]);
    expect(await log).toContain('did not stop in time');
  },
);
