// Lints openapi.yaml by redocly.yaml, without network access; prints only the faults.
import { spawnSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));

const { status, stdout, stderr } = spawnSync(
  process.execPath,
  [join(ROOT, 'node_modules/@redocly/cli/bin/cli.js'), 'lint', 'openapi.yaml', '--config', 'redocly.yaml'],
  {
    cwd: ROOT,
    encoding: 'utf8',
    // otherwise it would ask a registry for newer versions and report its use
    env: { ...process.env, REDOCLY_SUPPRESS_UPDATE_NOTICE: 'true', REDOCLY_TELEMETRY: 'off' },
  },
);
if (status === 0) process.stdout.write('openapi.yaml passes the linter\n');
else {
  process.stderr.write(stdout + stderr);
  process.exitCode = 1;
}
