/** A backup beside a service that works, and its restore, byte for byte. */
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { metaheac } from '../cli/in-process.ts';
import { temporaryFolder } from '../fixture/folders.ts';
import { HAS_PROC } from '../fixture/processes.ts';
import { Served } from '../fixture/served.ts';
import { tinyWorld } from '../fixture/tiny-world.ts';

const world = await tinyWorld();
const root = temporaryFolder();
const dataDir = join(root, 'data');

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
    expect([run.stderr, run.status]).toEqual(['', 0]);
    expect([during.status, JSON.parse(during.stdout)]).toMatchObject([0, { whole: true, running: true, orphans: [] }]);
    expect([refused.status, refused.stderr]).toEqual([
      1,
      expect.stringContaining('is in use by another metaheac serve'),
    ]);
    const all = [...ready, ...made];
    const expected = new Map<string, string>();
    for (const id of all) expected.set(id, await audienceOf(served, id));
    served.killGroup();

    const restored = join(root, 'restored');
    expect(await metaheac('restore', backup, '--to', restored)).toMatchObject({ status: 0 });
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
});
