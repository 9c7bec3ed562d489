/** The twelve steps of docs/tutorial.md, line by line, against a service that is started as it says. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { freePort } from '../../src/demo/free-port.ts';
import { openContract } from '../fixture/api-document.ts';
import { makeWorkplace, runBash } from '../fixture/demo-world.ts';
import { temporaryFolder } from '../fixture/folders.ts';
import { HAS_PROC } from '../fixture/processes.ts';
import { Served } from '../fixture/served.ts';
import { missingOf, readWalkedPage, withoutChance } from '../fixture/walked-page.ts';

const { text: tutorial, preparation, setting, steps, printed } = readWalkedPage('docs/tutorial.md');

let folder: string;
beforeAll(() => {
  folder = temporaryFolder();
});

/** What the steps call beside Node: a machine without them skips the walk, CI fails by it. */
const MISSING = missingOf(['bash', 'curl', 'jq', 'gzip', 'awk']);
const isSkipped = !process.env['CI'] && (MISSING.length > 0 || !HAS_PROC);
if (isSkipped)
  process.stderr.write(`SKIPPED: the twelve steps of the tutorial need Linux and ${MISSING.join(', ') || '/proc'}\n`);

describe('the twelve steps of the tutorial', () => {
  it('are twelve, and call only routes of the API', async () => {
    expect(steps.length).toBe(12);
    expect([...tutorial.matchAll(/^## (\d+)\. /gm)].map(([, number]) => Number(number))).toEqual(
      steps.map((_, i) => i + 1),
    );
    const { document } = await openContract();
    const patterns = Object.keys(document.paths).map((path) => new RegExp(`^${path.replace(/\{\w+\}/g, '[^/]+')}$`));
    const called = [...steps.join('\n').matchAll(/\$API(\/[^\s"?]*)/g)].map(([, path]) => path!);
    expect(called.length).toBeGreaterThan(12);
    expect(called.filter((path) => !patterns.some((pattern) => pattern.test(path)))).toEqual([]);
  });

  it.skipIf(isSkipped)('work as they are written', { timeout: 240_000 }, async () => {
    const repository = join(folder, 'repository');
    makeWorkplace(repository);
    const temporary = { TMPDIR: join(folder, 'tmp') };
    const work = join(temporary.TMPDIR, 'metaheac-tutorial');
    const [serve = '', exported = '', ...before] = preparation.trim().split('\n').reverse();
    runBash(before.reverse().join('\n'), repository, temporary);
    const [, variable = '', value = ''] = /^export (METAHEAC_\w+)=(\S+)$/.exec(exported) ?? [];
    expect(serve).toBe('metaheac serve --data-dir "$WORK/data" --model models/demo --population "$WORK/population"');
    const served = await Served.start({
      dataDir: join(work, 'data'),
      model: join(repository, 'models/demo'),
      population: join(work, 'population'),
      // time enough for an estimate, however busy this machine is
      env: {
        [variable]: value,
        METAHEAC_DESTINATIONS_ROOT: join(work, 'exports'),
        METAHEAC_ESTIMATE_TIME_MS: '30000',
      },
    });
    const people = readFileSync(join(work, 'people/users.ndjson'), 'utf8').split('\n', 20);
    const seeds = people.map((line) => JSON.parse(line).user_id);
    const isMade = async () => (await served.call('POST', '/v1/estimates', { seeds })).json.reason === null;
    await served.until(isMade, 'has read its model for estimates');
    const script = [setting, ...steps.map((step, i) => `echo "== step ${i + 1}"\n${step}`)].join('\n');
    const output = runBash(
      script.replaceAll('localhost:8080', `127.0.0.1:${served.port}`).replaceAll('9090', String(await freePort())),
      repository,
      temporary,
    );
    expect(readdirSync(repository)).toEqual(['models', 'scripts']);
    const said = output.split(/== step \d+\n/);
    expect(said.length).toBe(13);
    expect(said.slice(1).map(withoutChance)).toEqual(printed.map(withoutChance));
    // no session runs in the process that answers look-ups, not for estimates either
    expect(readFileSync(`/proc/${served.api}/maps`, 'latin1')).not.toContain('onnxruntime');
    expect(readFileSync(`/proc/${served.engine}/maps`, 'latin1')).toContain('onnxruntime');
  });
});
