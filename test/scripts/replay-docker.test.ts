/** The cpu image, built and run without Docker. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

const ROOT = join(import.meta.dirname, '..', '..');
const REPLAY_MS = 15 * 60_000;

describe('scripts/replay-docker.mjs', () => {
  it(
    'builds the cpu target in an empty folder, and the service in it works',
    () => {
      const replay = spawnSync(process.execPath, ['scripts/replay-docker.mjs'], {
        cwd: ROOT,
        encoding: 'utf8',
        timeout: REPLAY_MS,
      });
      expect(replay.status, replay.stdout + replay.stderr).toBe(0);
      expect(replay.stdout).toMatch(/^ok: \/readyz, [\d.]+ s after the start$/m);
      expect(replay.stdout).toMatch(/the cpu target works\n$/);
    },
    REPLAY_MS,
  );
});
