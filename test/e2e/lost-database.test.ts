/** `serve` on a data folder whose database is gone, or was replaced by an older one: no file is lost. */
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { examine } from '../../src/cli/commands/serve/doctor/examine.ts';
import { readMachine } from '../../src/cli/commands/serve/doctor/machine.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { readSettings } from '../../src/service/settings/environment.ts';
import { START_CHECKS } from '../../src/service/start-checks.ts';
import { temporaryFolder } from '../fixture/folders.ts';
import { HAS_PROC } from '../fixture/processes.ts';
import { Served } from '../fixture/served.ts';
import { tinyWorld } from '../fixture/tiny-world.ts';

const world = await tinyWorld();

/** Files of rankings and sets, relative to `folder`. */
function filesOf(folder: string): string[] {
  return ['audiences', 'seeds'].flatMap((name) =>
    existsSync(join(folder, name))
      ? readdirSync(join(folder, name), { recursive: true, encoding: 'utf8' }).map((path) => `${name}/${path}`)
      : [],
  );
}

function removeDatabase(dataDir: string): void {
  for (const name of readdirSync(dataDir)) if (name.startsWith('metaheac.db')) rmSync(join(dataDir, name));
}

async function findingsOf(dataDir: string): Promise<Record<string, string>> {
  const settings = readSettings({
    ...{ METAHEAC_DATA_DIR: dataDir, METAHEAC_MODEL: world.model, METAHEAC_POPULATION: world.population },
    ...{ METAHEAC_DEVICE: 'cpu', METAHEAC_PORT: '0' },
  });
  const checks = START_CHECKS.filter(({ check }) => check !== 'model loads');
  const findings = await examine({ settings, machine: readMachine(), clock: systemClock, userId: null, checks });
  return Object.fromEntries(findings.map(({ check, status, detail }) => [check, `${status}: ${detail}`]));
}

describe.skipIf(!HAS_PROC)('serve on a data folder without its database', () => {
  it('refuses it with advice, and accepts it with --adopt, which moves all files aside', {
    timeout: 180_000,
  }, async () => {
    const dataDir = temporaryFolder();
    const served = await Served.start({ ...world, dataDir });
    await served.ended(await served.create(world.campaigns[0]!));
    process.kill(served.api, 'SIGTERM');
    await served.exited();
    removeDatabase(dataDir);
    const before = filesOf(dataDir);
    const refused = await Served.spawn({ ...world, dataDir });
    expect((await refused.exited()).code).toBe(1);
    expect(refused.log).toMatch(/metaheac: data folder .* has lost its database: metaheac.db is missing/);
    expect(refused.log).toMatch(/1 ranking, 1 user set.*metaheac restore BACKUP --to DIR.*--adopt/);
    expect(filesOf(dataDir)).toEqual(before);
    expect((await findingsOf(dataDir))['database']).toMatch(
      /^failed: data folder .* has lost its database: .* 1 ranking/,
    );

    const adopted = await Served.start({ ...world, dataDir, args: ['--adopt'] });
    expect(adopted.log).toContain('the database was missing: the files that belonged to it were moved aside');
    const status = (await adopted.call('GET', '/v1/status')).json;
    expect(status.files.set_aside).toEqual([expect.stringMatching(/^set-aside\//)]);
    expect((await adopted.call('GET', '/metrics')).text).toContain('metaheac_set_aside_folders 1');
    expect(filesOf(join(dataDir, status.files.set_aside[0]))).toEqual(before);
    expect((await findingsOf(dataDir))['files set aside']).toMatch(/^warning: 1 folder/);
    await adopted.ended(await adopted.create(world.campaigns[0]!));
  });
});
