/** The steps of docs/special-categories.md, line by line, against a service that is started as it says. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { makeWorkplace, runBash } from '../fixture/demo-world.ts';
import { temporaryFolder } from '../fixture/folders.ts';
import { Served } from '../fixture/served.ts';
import { readWalkedPage, withoutChance } from '../fixture/walked-page.ts';

const page = readWalkedPage('docs/special-categories.md');
const MISSING = ['bash', 'curl', 'jq', 'awk'].filter((tool) => spawnSync(tool, ['--version']).error !== undefined);

it.skipIf(!process.env['CI'] && MISSING.length > 0)(
  'a campaign of a special category is made as its page says',
  { timeout: 240_000 },
  async () => {
    const folder = temporaryFolder();
    const repository = join(folder, 'repository');
    makeWorkplace(repository);
    const temporary = { TMPDIR: join(folder, 'tmp') };
    const work = join(temporary.TMPDIR, 'metaheac-categories');
    const prepare = page.preparation.split('\n').filter((line) => !line.startsWith('metaheac serve'));
    runBash(prepare.join('\n'), repository, temporary);
    const [model, population] = [join(repository, 'models/demo'), join(work, 'population')];
    const served = await Served.start({ dataDir: join(work, 'data'), model, population });
    const script = [page.setting, ...page.steps.map((step) => `echo "== step"\n${step}`)].join('\n');
    const output = runBash(script.replaceAll('localhost:8080', `127.0.0.1:${served.port}`), repository, temporary);
    expect(output.split('== step\n').slice(1).map(withoutChance)).toEqual(page.printed.map(withoutChance));
  },
);
