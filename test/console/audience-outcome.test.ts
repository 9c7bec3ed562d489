/** The page of an audience that is not ready yet, or could not be built. */
import { it } from 'vitest';
import { describeInBrowser, expectAccessible, takeScreenshots, useConsoleFixture } from './browser.ts';

const SEEDS = 120;
const fixture = useConsoleFixture();

describeInBrowser('the page of an audience that could not be built', () => {
  it('accepts more customers if there were too few', async () => {
    const { served, people } = fixture();
    const made = await served.create({ name: 'Three friends', seeds: [...people.slice(0, 3), 'a stranger'] });
    await served.ended(made);
    const opened = await fixture().open();
    const { page, go } = opened;
    await go(`audiences/${made}`);
    await page.getByText('3 of your customers are in the population', { exact: false }).waitFor();
    await page.getByText('Unknown IDs include a stranger.', { exact: false }).waitFor();
    await expectAccessible(page);
    await takeScreenshots(opened, 'audience-too-small', 'light');
    await page.getByRole('button', { name: 'Add customers' }).click();
    await page.getByLabel('Customer IDs').fill(people.slice(3, SEEDS).join('\n'));
    await expectAccessible(page);
    await page.getByRole('button', { name: `Add ${SEEDS - 3} and rebuild` }).click();
    await page.getByRole('tab', { name: 'Size' }).waitFor();
  });

  it('shows its stages, can be cancelled, and built again', async () => {
    const { served, people } = fixture();
    const { engine } = served;
    process.kill(engine, 'SIGSTOP');
    const made = await served.create({ name: 'Stopped', seeds: people.slice(0, SEEDS) });
    const opened = await fixture().open();
    const { page, go } = opened;
    await go(`audiences/${made}`);
    const progress = page.getByRole('region', { name: 'Progress' });
    await progress.getByText('Learning from your customers').waitFor();
    await progress.getByText(/^\d+ s$/).waitFor();
    await expectAccessible(page);
    await takeScreenshots(opened, 'audience-running', 'light');
    await progress.getByRole('button', { name: 'Cancel' }).click();
    await page.getByRole('heading', { name: 'Cancelled' }).waitFor();
    process.kill(engine, 'SIGCONT');
    await page.getByRole('button', { name: 'Rebuild' }).click();
    await page.getByRole('tab', { name: 'Size' }).waitFor();
    // the next build, too: the earlier audience stays, and the page says so
    process.kill(served.engine, 'SIGSTOP');
    await served.call('POST', `/v1/campaigns/${made}/expansions`);
    await progress.getByRole('button', { name: 'Cancel' }).click();
    await page.getByRole('heading', { name: 'Last update: cancelled' }).waitFor();
    await page.getByText('is still in use').waitFor();
    process.kill(served.engine, 'SIGCONT');
    await page.getByRole('tab', { name: 'Size' }).waitFor();
  });

  it('says that there is no audience with this id', async () => {
    const { page, go } = await fixture().open();
    await go('audiences/00000000-0000-4000-8000-000000000000');
    await page.getByRole('alert').getByText('There is no audience with this ID').waitFor();
  });
});
