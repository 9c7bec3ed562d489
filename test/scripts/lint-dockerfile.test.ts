/** The rules that docker/Dockerfile keeps. */
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ROOT } from '../architecture/files.ts';
import { useFolders } from '../fixture/folders.ts';

const newFolder = useFolders();

function lint(file: string): { status: number | null; codes: string[] } {
  const { status, stderr } = spawnSync(process.execPath, ['scripts/lint-dockerfile.mjs', file], {
    cwd: ROOT,
    encoding: 'utf8',
  });
  return { status, codes: stderr.match(/(?<=:\d+ )DL\d{4}(?= )/g) ?? [] };
}

/** A target that keeps all rules, and the one line under test in it. */
function lintWith(line: string, without = ''): string[] {
  const file = join(newFolder(), 'Dockerfile');
  const lines = ['FROM node:24 AS cpu', line, 'USER a', 'HEALTHCHECK CMD ["true"]', 'CMD ["node"]'];
  writeFileSync(file, lines.filter((each) => without === '' || !each.startsWith(without)).join('\n'));
  return lint(file).codes;
}

describe('scripts/lint-dockerfile.mjs', () => {
  it('accepts our Dockerfile', () => {
    expect(lint('docker/Dockerfile')).toEqual({ status: 0, codes: [] });
  });

  it.each([
    ['RUN apt-get update && apt-get install -y --no-install-recommends jq=1.7 && rm -rf /var/lib/apt/lists/*', []],
    ['RUN apt-get install -y --no-install-recommends jq && rm -rf /var/lib/apt/lists/*', ['DL3008']],
    ['RUN apt-get install jq=1.7 && rm -rf /var/lib/apt/lists/*', ['DL3014', 'DL3015']],
    ['RUN npm install express', ['DL3016']],
    ['RUN cd /app && \\\n  make', ['DL3003']],
    ['COPY --from=node /a /a', ['DL3006']],
    ['ENTRYPOINT node', ['DL3025']],
    ['FROM node:latest AS cpu2', ['DL3007']],
  ])('reports for %s: %j', (line, codes) => {
    expect(lintWith(line)).toEqual(codes);
  });

  it('requires an unprivileged user and a health check in every target', () => {
    expect(lintWith('', 'USER')).toEqual(['DL3002']);
    expect(lintWith('USER root', 'USER a')).toEqual(['DL3002']);
    expect(lintWith('', 'HEALTHCHECK')).toEqual(['DL3057']);
  });
});
