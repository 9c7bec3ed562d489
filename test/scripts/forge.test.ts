/** What a public forge reads of the repository, and npm of its packages. */
import { globSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { ROOT } from '../architecture/files.ts';

const read = (path: string) => readFileSync(join(ROOT, path), 'utf8');
const { scripts } = z.object({ scripts: z.record(z.string(), z.string()) }).parse(JSON.parse(read('package.json')));

const PUBLISHED = ['package.json', ...globSync('packages/*/package.json', { cwd: ROOT })];

const workflow = z
  .object({
    permissions: z.unknown(),
    jobs: z.object({
      run: z.strictObject({
        name: z.string(),
        'runs-on': z.string(),
        container: z.object({ image: z.string() }).loose(),
        'timeout-minutes': z.number(),
        strategy: z.object({ matrix: z.object({ script: z.array(z.string()) }) }),
        steps: z.array(z.object({ uses: z.string().optional(), run: z.string().optional() })),
      }),
    }),
  })
  .parse(parse(read('.github/workflows/ci.yml')));
const { run } = workflow.jobs;

describe('.github/workflows/ci.yml', () => {
  it('has read permission only', () => {
    expect(workflow.permissions).toEqual({ contents: 'read' });
    expect(run.container.image).toMatch(/^node:\d+\.\d+\.\d+-/);
  });

  it('runs only scripts that exist', () => {
    expect(run.strategy.matrix.script).toEqual(expect.arrayContaining(['check', 'test']));
    for (const script of run.strategy.matrix.script) expect(Object.keys(scripts)).toContain(script);
  });

  it('installs the same Debian packages as .ci/run', () => {
    const needed = [...read('.ci/run').matchAll(/--no-install-recommends ([a-z0-9 -]+)\)/g)].flatMap(([, names]) =>
      names!.split(' '),
    );
    const installed = run.steps.flatMap(
      (step) => step.run?.match(/apt-get install(?:.*\\\n)*.*/)?.[0].split(/[\s\\]+/) ?? [],
    );
    expect(needed.length).toBeGreaterThan(3);
    expect(installed).toEqual(expect.arrayContaining([...needed, 'curl', 'jq']));
  });
});

describe('.github/workflows', () => {
  it.each(readdirSync(join(ROOT, '.github/workflows')))('%s pins every action and runs scripts that exist', (name) => {
    const text = read(`.github/workflows/${name}`);
    const uses = [...text.matchAll(/uses: (.*)/g)].map(([, action]) => action);
    expect(uses.length).toBeGreaterThan(0);
    for (const action of uses) expect(action).toMatch(/^[\w/-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/);
    for (const [, script] of text.matchAll(/npm run --silent ([\w:-]+)/g))
      expect(Object.keys(scripts)).toContain(script);
  });
});

describe('the manifests of published packages', () => {
  it.each(PUBLISHED)('%s is public, with provenance from this repository', (path) => {
    const manifest = JSON.parse(read(path));
    expect(manifest).not.toHaveProperty('private');
    expect(manifest.publishConfig).toEqual({ access: 'public', provenance: true });
    expect(manifest.repository.url).toBe('git+https://github.com/metaheac/metaheac.git');
  });
});
