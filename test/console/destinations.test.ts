/**
 * The page of destinations in a real browser: a folder is created, tested, receives an audience, is edited and deleted.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { schemaOfFeatures, updateFiles } from '../../src/population/update/update-files.ts';
import { temporaryFolder } from '../fixture/folders.ts';
import { describeInBrowser, expectAccessible, takeScreenshots, useConsoleFixture } from './browser.ts';

const root = temporaryFolder();
const fixture = useConsoleFixture({ METAHEAC_DESTINATIONS_ROOT: root });

describeInBrowser('the page of destinations', () => {
  it('creates a folder, which is tested, receives an audience, is edited, paused and deleted', async () => {
    const { folder, served, people, open } = fixture();
    const mapping = join(folder, 'identifiers.csv');
    const rows = people.map((id) => `${id},email,uid2,${id}@example.com`);
    writeFileSync(mapping, ['user_id,type,rule,value', ...rows, ''].join('\n'));
    const { version } = await updateFiles({
      ...{ population: join(folder, 'population'), changed: [], deleted: [], identifierFiles: [mapping] },
      schema: (features) => schemaOfFeatures(features, new Map()),
    });
    await served.call('POST', `/v1/populations/${version}/activate`);
    const opened = await open();
    const { page, go, faults } = opened;
    await go('destinations');
    await page.getByRole('heading', { name: 'No destinations' }).waitFor();
    await page.getByLabel('Name').fill('warehouse');
    await page.getByLabel('Folder', { exact: true }).fill('../outside');
    await page.getByLabel('Format').selectOption('csv');
    await page.getByLabel('IDs', { exact: true }).selectOption('email:uid2');
    const create = page.getByRole('button', { name: 'Create destination' });
    await create.click();
    await page.getByRole('alert').getByText('the path must be relative').waitFor();
    await page.getByLabel('Folder', { exact: true }).fill('warehouse');
    await create.click();
    const row = page.getByRole('row', { name: /^warehouse/ });
    await row.getByText('CSV, all members; E-mail addresses, rule uid2').waitFor();
    await row.getByRole('button', { name: 'Test' }).click();
    await page.getByText('“warehouse” can be written.').waitFor();

    const campaign = { name: 'Autumn shoes', seeds: people.slice(0, 120), audience: { size: 100 } };
    const { json } = await served.call('POST', '/v1/campaigns', campaign);
    const deliveries = page.getByRole('region', { name: 'Deliveries' });
    await deliveries.getByText('delivered', { exact: true }).waitFor({ timeout: 120_000 });
    expect(existsSync(join(root, 'warehouse', json.id, '1/_manifest.json'))).toBe(true);
    const part = readFileSync(join(root, 'warehouse', json.id, '1/part-00000.csv'), 'utf8');
    expect(part.split('\r\n')[1]).toMatch(/^1,[\w+/]{43}=,/);
    await expectAccessible(page);
    await takeScreenshots(opened, 'destinations', 'light');

    await row.getByRole('button', { name: 'Edit' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Cut').fill('first');
    await dialog.getByLabel('IDs', { exact: true }).selectOption('User IDs');
    await dialog.getByRole('button', { name: 'Add a label' }).click();
    await dialog.getByLabel('Label 1: key').fill('team');
    await dialog.getByLabel('Label 1: value').fill('growth');
    await expectAccessible(page);
    await takeScreenshots(opened, 'destination-edit', 'light');
    await dialog.getByRole('button', { name: 'Save' }).click();
    await row.getByText('team: growth; cut first').waitFor();
    await row.getByText('CSV, all members', { exact: true }).waitFor();
    await row.getByRole('button', { name: 'Pause' }).click();
    await row.getByText('paused', { exact: true }).waitFor();
    await row.getByRole('button', { name: 'Resume' }).click();
    await row.getByRole('button', { name: 'Pause' }).waitFor();

    await row.getByRole('button', { name: 'Delete' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
    await page.getByRole('heading', { name: 'No destinations' }).waitFor();
    expect(existsSync(join(root, 'warehouse', json.id, '1/_manifest.json'))).toBe(true);
    expect(faults.list).toEqual([]);
  }, 240_000);
});
