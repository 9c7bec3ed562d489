/** What the audit log says of versions that a bucket keeps after erasures. */
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { ACTORS, type PendingAction } from '../../src/domain/audit.ts';
import { createLogger } from '../../src/lib/logging.ts';
import { openPopulation } from '../../src/population/read.ts';
import { ServiceEraser } from '../../src/service/upkeep/user-eraser.ts';
import { tinyWorld } from '../fixture/tiny-world.ts';
import { migratedDataFolder } from '../storage/sqlite/data-folder.ts';

/** An eraser that finds one kept version for each erasure of some users. */
async function newEraser() {
  const store = await migratedDataFolder().open();
  let versions = 0;
  const eraser = new ServiceEraser({
    ...{ store, population: openPopulation((await tinyWorld()).population), maximumWaiting: 9 },
    logger: createLogger('silent', 'test'),
    erasePopulation: async () => {
      versions += 1;
    },
    kept: () => ({ versions, unknown: 0 }),
  });
  onTestFinished(() => eraser.close());
  const entries = async () =>
    (await store.audit.list({ limit: 9 })).items.map(({ actor, resource, resourceId }) => [
      actor,
      resource,
      resourceId,
    ]);
  return { store, eraser, entries };
}

const actionOf = (actor: string): PendingAction => ({
  action: {
    ...{ actor, address: null, action: 'eraseUser', resource: 'user', resourceId: null },
    ...{ status: 204, requestId: null },
  },
  isRecorded: false,
});

describe('versions that a bucket keeps of the files of erased users', () => {
  it('are in the audit log if a request erased the users', async () => {
    const { eraser, entries } = await newEraser();
    expect(await eraser.erase('ann', actionOf('mh_key'))).toBe(1);
    expect(await entries()).toEqual([
      ['mh_key', 'user', null],
      ['mh_key', 'kept_versions', '1'],
    ]);
  });

  it('are in the audit log if a command has asked to erase the users', async () => {
    const { store, eraser, entries } = await newEraser();
    await store.requestErasure(['ann', 'bob'], [actionOf(ACTORS.command)]);
    eraser.watch();
    await vi.waitFor(async () => expect((await entries()).length).toBe(2), { timeout: 5_000 });
    expect(await entries()).toEqual([
      [ACTORS.command, 'user', null],
      [ACTORS.command, 'kept_versions', '1'],
    ]);
  });

  it('are in both entries if a request and a command erase users at the same time', async () => {
    const { store, eraser, entries } = await newEraser();
    await store.requestErasure(['bob'], [actionOf(ACTORS.command)]);
    await eraser.erase('ann', actionOf('mh_key'));
    expect(await entries()).toEqual([
      [ACTORS.command, 'user', null],
      ['mh_key', 'user', null],
      ['mh_key', 'kept_versions', '1'],
      [ACTORS.command, 'kept_versions', '1'],
    ]);
  });
});
