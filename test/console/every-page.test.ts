/** Every page, in both themes, on a desktop and on a phone: nothing is cut off, and axe-core finds nothing. */
import { beforeAll, expect, it } from 'vitest';
import {
  cutOf,
  describeInBrowser,
  laidOut,
  THEMES,
  takeScreenshot,
  useConsoleFixture,
  violationsOf,
} from './browser.ts';

const PHONE_PX = 390;
const DESKTOP_PX = 1600;
const OPERATOR = 'the key of the operator';
const HEADERS = { authorization: `Bearer ${OPERATOR}` };
/** Names and ids as long as possible, which no page was designed for. */
const LONG_NAME =
  'Winter coats for people who live in the far north, and for their relatives: Donaudampfschifffahrtsgesellschaft';
const CUTS = [{ name: 'a-ring-whose-name-is-as-long-as-names-of-cuts-may-be', from_size: 100, to_size: 1_200 }];
const fixture = useConsoleFixture({ METAHEAC_API_KEY: OPERATOR });

/** Places of the console, with what a complete page shows; `:id` is an audience, `:few` one that failed. */
const PLACES: readonly (readonly [place: string, selector: string])[] = [
  ['audiences', 'tbody tr'],
  ['audiences?search=nobody', 'h2 >> text=No matching audiences'],
  ['audiences/new', 'form'],
  ['audiences/new?from=:id', '.note'],
  ['audiences/:id', '.reach canvas'],
  ['audiences/:id?tab=who', '.token-bar'],
  ['audiences/:id?tab=members', '.member-table .mono'],
  ['audiences/:id?tab=cuts', '.overlap-choice'],
  ['audiences/:id?tab=versions', 'tbody tr'],
  ['audiences/:id?tab=definition', '.named'],
  ['audiences/:id?tab=export', '.command'],
  ['audiences/:id?tab=results', 'table'],
  ['audiences/:id/report', '.drop'],
  ['audiences/:few', '.state'],
  ['audiences/00000000-0000-4000-8000-000000000000', 'h1 >> text=Audience not found'],
  ['suppression', '.drop'],
  ['populations', 'text=Features in'],
  ['models', 'text=Campaign details'],
  ['destinations', 'form'],
  ['audit', 'tbody tr'],
  ['status', 'text=Last errors'],
  ['nowhere', 'h1 >> text=Page not found'],
];
/** Pages outside the console. */
const PAGES: readonly (readonly [path: string, selector: string])[] = [
  ['/docs', '.opblock >> nth=40'],
  ['/docs/errors', 'main, body'],
  ['/docs/errors/campaign_not_found', 'main, body'],
];

const ids = { id: '', few: '' };

beforeAll(async () => {
  if (fixture() === undefined) return;
  const { served, people } = fixture();
  const post = async (path: string, body: object) => (await served.call('POST', path, body, HEADERS)).json;
  const seeds = [...people.slice(0, 150), `unknown-${'x'.repeat(200)}`];
  const features = { category: 'shoes' };
  const body = { name: LONG_NAME, seeds, audience: { size: 200 }, external_id: `crm-${'9'.repeat(120)}`, features };
  const country = JSON.parse(
    JSON.stringify(await served.call('GET', '/v1/populations/current/features/country/values', undefined, HEADERS)),
  ).json.items;
  const filters = { country: country.slice(0, 6).map(({ value }: { value: string }) => value) };
  ids.id = (await post('/v1/campaigns', { ...body, filters, labels: { team: 'growth', region: 'z'.repeat(120) } })).id;
  ids.few = (
    await post('/v1/campaigns', { name: 'Three friends', seeds: people.slice(0, 3), audience: { size: 5 } })
  ).id;
  await post('/v1/campaigns', { name: 'Untitled draft', seeds: null, audience: { percent: 5 } });
  await post('/v1/suppression/add', { user_ids: [...people.slice(300, 310), 'somebody else'] });
  const isReady = async () =>
    (await served.call('GET', `/v1/campaigns/${ids.id}`, undefined, HEADERS)).json.state === 'ready';
  await served.until(isReady, 'made an audience');
  await served.call('PATCH', `/v1/campaigns/${ids.id}`, { audience: { size: 300 }, cuts: CUTS }, HEADERS);
  const events = people.slice(400, 420).map((user_id) => ({ user_id, event: 'conversion' }));
  await post(`/v1/campaigns/${ids.id}/feedback`, { events });
});

describeInBrowser.each(THEMES)('in the %s theme', (theme) => {
  it('the sign-in page is shown in full', async () => {
    const { page, go } = await fixture().open(theme, PHONE_PX);
    await go('audiences');
    await page.getByLabel('API key').waitFor();
    expect([await cutOf(page), await violationsOf(page)]).toEqual([[], []]);
  });

  // a theme changes colours alone, so the dark one is looked at in one width
  const widths = theme === 'light' ? [PHONE_PX, DESKTOP_PX] : [DESKTOP_PX];

  it(`every page is shown in full in ${widths.join(' and ')} pixels, and axe-core finds nothing`, async () => {
    const { page, go, faults } = await fixture().open(theme, PHONE_PX);
    await go('audiences');
    await page.getByLabel('API key').fill(OPERATOR);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByRole('heading', { level: 1, name: 'Audiences' }).waitFor();
    const found: object[] = [];
    const places = PLACES.map(([place, selector]) => {
      const path = place.replace(':id', ids.id).replace(':few', ids.few);
      return { path: `/console/#/${path}`, place, selector };
    });
    for (const { path, place, selector } of [
      ...places,
      ...PAGES.map(([p, selector]) => ({ path: p, place: p, selector })),
    ]) {
      await page.setViewportSize({ width: widths[0]!, height: 900 });
      await page.goto(`${fixture().url}${path}`);
      await page.locator(selector).first().waitFor();
      for (const width of widths) {
        await page.setViewportSize({ width, height: 900 });
        await laidOut(page);
        await takeScreenshot(page, `${place.replaceAll(/\W+/g, '-')}-${width}-${theme}`, { fullPage: true });
        const [cut, violations] = [await cutOf(page), await violationsOf(page)];
        if (cut.length + violations.length > 0) found.push({ place, width, cut, violations });
      }
    }
    expect(found).toEqual([]);
    expect(faults.list).toEqual([]);
  });
});
