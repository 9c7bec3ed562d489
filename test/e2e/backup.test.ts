/** Verify, backup and restore of a data folder that a service works in. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../fixture/folders.ts';
import { HAS_PROC } from '../fixture/processes.ts';
import { program } from '../fixture/program.ts';
import { ROOT, Served } from '../fixture/served.ts';
import { tinyWorld } from '../fixture/tiny-world.ts';

const world = await tinyWorld();
const root = temporaryFolder();
const dataDir = join(root, 'data');

interface Run {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

async function metaheac(...args: string[]): Promise<Run> {
  const child = spawn(process.execPath, [program(), ...args], { cwd: ROOT });
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (data) => (stdout += data));
  child.stderr.on('data', (data) => (stderr += data));
  const [code] = await once(child, 'close');
  return { code, stdout, stderr };
}

/** Changes one bit. */
function flip(path: string, at: number): void {
  const bytes = readFileSync(path);
  bytes[at]! ^= 1;
  writeFileSync(path, bytes);
}

describe.skipIf(!HAS_PROC)('metaheac verify, backup and restore', () => {
  it('copy a folder while expansions run, with every audience equal byte for byte', {
    timeout: 240_000,
  }, async () => {
    const served = await Served.start({ ...world, dataDir });
    const audienceOf = async (from: Served, id: string) =>
      (await from.call('GET', `/v1/campaigns/${id}/audience`)).text;
    const ready = [await served.create(world.campaigns[0]!), await served.create(world.campaigns[1]!)];
    for (const id of ready) await served.ended(id);
    const deleted = await served.create(world.campaigns[2]!);
    await served.ended(deleted);
    let isOver = false;
    const made: string[] = [];
    const load = (async () => {
      while (!isOver) {
        made.push(await served.create(world.campaigns[made.length % 4]!));
        if (made.length === 2) await served.call('DELETE', `/v1/campaigns/${deleted}`);
        await served.ended(made.at(-1)!);
      }
    })();
    await served.until(() => made.length >= 2, 'is at work');
    const backup = join(root, 'backup');
    const run = await metaheac('backup', dataDir, '--out', backup, '--json');
    const during = await metaheac('verify', dataDir, '--json');
    const refused = await metaheac('verify', dataDir, '--repair');
    isOver = true;
    await load;
    expect([run.stderr, run.code]).toEqual(['', 0]);
    expect([during.code, JSON.parse(during.stdout)]).toMatchObject([0, { whole: true, running: true, orphans: [] }]);
    expect([refused.code, refused.stderr]).toEqual([1, expect.stringContaining('is in use by another metaheac serve')]);
    const all = [...ready, ...made];
    const expected = new Map<string, string>();
    for (const id of all) expected.set(id, await audienceOf(served, id));
    served.killGroup();

    const restored = join(root, 'restored');
    expect(await metaheac('restore', backup, '--to', restored)).toMatchObject({ code: 0 });
    const again = await Served.start({ ...world, dataDir: restored });
    const { items } = (await again.call('GET', '/v1/campaigns?limit=200')).json as { items: { id: string }[] };
    const kept = items.map(({ id }) => id).filter((id) => id !== deleted);
    expect(kept).toEqual(expect.arrayContaining(ready));
    for (const id of kept) {
      await again.ended(id);
      expect([id, await audienceOf(again, id)]).toEqual([id, expected.get(id)]);
    }
    expect(JSON.parse((await metaheac('verify', restored, '--json')).stdout)).toMatchObject({
      whole: true,
      orphans: [],
    });
  });

  it('refuse a target that is not empty and a damaged backup, and write nothing', async () => {
    const backup = join(root, 'backup');
    expect(await metaheac('backup', dataDir, '--out', backup)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('is not empty'),
    });
    const bad = join(root, 'bad');
    cpSync(backup, bad, { recursive: true });
    const [seeds] = readdirSync(join(bad, 'seeds'));
    flip(join(bad, 'seeds', seeds!), 3);
    const before = readdirSync(root);
    const run = await metaheac('restore', bad, '--to', join(root, 'never'));
    expect([run.code, run.stderr]).toEqual([1, expect.stringContaining(`the sha256 of seeds/${seeds} differs`)]);
    expect(readdirSync(root)).toEqual(before);
  });

  it('report damaged, missing and orphaned files, and remove only orphans', async () => {
    const folder = join(root, 'checked');
    await metaheac('restore', join(root, 'backup'), '--to', folder);
    const [first, second] = readdirSync(join(folder, 'audiences'));
    const rankingOf = (campaign: string) =>
      `audiences/${campaign}/${readdirSync(join(folder, 'audiences', campaign))[0]}`;
    const [damaged, gone] = [rankingOf(first!), rankingOf(second!)];
    flip(join(folder, damaged, 'order.u32'), 7);
    rmSync(join(folder, gone), { recursive: true });
    const orphan = `audiences/${first}/00000000-0000-4000-8000-000000000000`;
    mkdirSync(join(folder, orphan));
    writeFileSync(join(folder, 'seeds', `${'0'.repeat(64)}.txt`), 'u1\n');
    const orphans = [`seeds/${'0'.repeat(64)}.txt`, orphan];
    const run = await metaheac('verify', folder, '--json');
    const report = JSON.parse(run.stdout);
    expect([run.code, report.whole, report.orphans]).toEqual([4, false, orphans]);
    expect(report.faults).toEqual(
      expect.arrayContaining([
        { path: damaged, message: 'block 0 of order.u32 does not match its checksum' },
        { path: gone, message: expect.stringContaining('ENOENT') },
      ]),
    );
    expect(report.faults).toHaveLength(2);
    const repaired = await metaheac('verify', folder, '--repair');
    expect([repaired.code, repaired.stdout]).toEqual([4, expect.stringContaining(`removed  ${orphan}`)]);
    for (const path of orphans) expect(existsSync(join(folder, path))).toBe(false);
    expect(JSON.parse((await metaheac('verify', folder, '--json')).stdout)).toMatchObject({ orphans: [] });
    expect(existsSync(join(folder, damaged))).toBe(true);
  });
});
