/**
 * A client whose types are generated from openapi.yaml: it type-checks, a mistake in it does not, and it runs against a
 * real service.
 */

import { spawnSync } from 'node:child_process';
import { readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import openapiTS, { astToString } from 'openapi-typescript';
import ts from 'typescript';
import { beforeAll, describe, expect, it } from 'vitest';
import { makeWorkplace, runBash } from '../fixture/demo-world.ts';
import { temporaryFolder } from '../fixture/folders.ts';
import { HAS_PROC } from '../fixture/processes.ts';
import { ROOT, Served } from '../fixture/served.ts';

const source = readFileSync(new URL('client/client.ts.txt', import.meta.url), 'utf8');

let folder: string;
beforeAll(async () => {
  folder = temporaryFolder();
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
  const types = await openapiTS(readFileSync(join(ROOT, 'openapi.yaml'), 'utf8'));
  writeFileSync(join(folder, 'api.d.ts'), astToString(types));
  writeFileSync(join(folder, 'client.ts'), source);
});

/** What the compiler says of each of these files; it reads what they import once. */
function diagnose(files: readonly string[]): string[][] {
  const paths = files.map((file) => join(folder, file));
  const program = ts.createProgram(paths, {
    strict: true,
    noUncheckedIndexedAccess: true,
    exactOptionalPropertyTypes: true,
    noEmit: true,
    allowImportingTsExtensions: true,
    target: ts.ScriptTarget.ES2023,
    module: ts.ModuleKind.NodeNext,
    moduleResolution: ts.ModuleResolutionKind.NodeNext,
    typeRoots: [join(ROOT, 'node_modules/@types')],
    types: ['node'],
    skipLibCheck: true,
  });
  return paths.map((path) =>
    ts
      .getPreEmitDiagnostics(program, program.getSourceFile(path))
      .map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n')),
  );
}

describe('a generated client', () => {
  it('passes the type check, and wrong calls fail it', () => {
    const mistakes = [
      ["name: 'guitars', ", ''],
      ['ready.data.size', 'ready.data.length'],
      ["'If-None-Match'", "'If-Match'"],
      ["'/v1/limits'", "'/v1/limit'"],
      ['membership.rank', 'membership.position'],
    ] as const;
    for (const [i, [right, wrong]] of mistakes.entries()) {
      expect(source).toContain(right);
      writeFileSync(join(folder, `wrong${i}.ts`), source.replace(right, wrong));
    }
    const [sound, ...told] = diagnose(['client.ts', ...mistakes.map((_, i) => `wrong${i}.ts`)]);
    expect(sound).toEqual([]);
    for (const [i, [, wrong]] of mistakes.entries()) expect([wrong, told[i]!.length]).not.toEqual([wrong, 0]);
  });

  it.skipIf(!HAS_PROC)('runs against a service', { timeout: 120_000 }, async () => {
    const work = join(folder, 'work');
    makeWorkplace(work);
    runBash(
      'metaheac dataset generate --out people --users 3000 --test-campaigns 2\n' +
        'metaheac population import --data people --model models/demo --out population',
      work,
    );
    const served = await Served.start({
      dataDir: join(work, 'data'),
      model: join(ROOT, 'models/demo'),
      population: join(work, 'population'),
      env: { METAHEAC_WEBHOOK_ALLOWED_HOSTS: '127.0.0.1' },
    });
    const { status, stdout, stderr } = spawnSync(
      process.execPath,
      ['client.ts', `http://127.0.0.1:${served.port}`, join(work, 'people')],
      { cwd: folder, encoding: 'utf8', timeout: 90_000 },
    );
    expect([status, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(/^model demo reads category, brand, season, topics; 3000 users; \d+ limits$/m);
    expect(stdout).toMatch(/^60 seeds are enough$/m);
    expect(stdout).toMatch(/^again: true, replayed: true$/m);
    expect(stdout).toMatch(/^60 seeds, 1 suppressed$/m);
    expect(stdout).toMatch(/^a webhook for 8 events$/m);
    expect(stdout).toMatch(/^recall and lift of 25 sizes$/m);
    expect(stdout).toMatch(/^version 2 has 50 users$/m);
    expect(stdout).toMatch(/^members: true, false$/m);
    expect(stdout).toMatch(/^in 1 audience$/m);
    expect(stdout).toMatch(/^1 event; feedback changed; version 3: 50 users, as many came as went$/m);
    expect(stdout).toMatch(/^back to version 2; changed by requested, resize, requested, rollback$/m);
    expect(stdout).toMatch(/^PAR1, then 304$/m);
    expect(stdout).toMatch(/^150 of 2[89]\d\d candidates, predicted (good|weak|unsure)$/m);
    expect(stdout).toMatch(/^person-\d+ has rank 1$/m);
    expect(stdout).toMatch(/^404 campaign_not_found$/m);
  });
});
