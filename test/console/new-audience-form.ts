/** Helpers for the form of a new audience in a browser: opening it, filling it in, and finding the result. */
import { beforeAll } from 'vitest';
import { type ConsolePage, type THEMES, useConsoleFixture } from './browser.ts';

export const OPERATOR = 'the key of the operator';
export const AUTHORIZED = { authorization: `Bearer ${OPERATOR}` };

/** A service with a key and 120 customers of its population. One estimate has been made, so the model is loaded. */
export function useNewAudience() {
  const fixture = useConsoleFixture({ METAHEAC_API_KEY: OPERATOR });
  const customers: string[] = [];
  beforeAll(async () => {
    if (fixture() === undefined) return;
    const { served, people } = fixture();
    customers.push(...people.slice(0, 120));
    await served.until(async () => {
      const answer = await served.call('POST', '/v1/estimates', { seeds: customers }, AUTHORIZED);
      return answer.json.expected !== null;
    }, 'makes estimates');
  });
  /** Signs in at a place of the console, in a fresh browser. */
  const signIn = async (place: string, key = OPERATOR, theme: (typeof THEMES)[number] = 'light') => {
    const opened = await fixture().open(theme);
    await opened.go(place);
    await opened.page.getByLabel('API key').fill(key);
    await opened.page.getByRole('button', { name: 'Sign in' }).click();
    return opened;
  };
  return {
    fixture,
    customers: customers as readonly string[],
    signIn,
    openList: () => signIn('audiences'),
    openForm: async (key?: string, theme?: (typeof THEMES)[number], place = 'audiences/new') => {
      const opened = await signIn(place, key, theme);
      await opened.page.getByRole('heading', { level: 1, name: 'New audience' }).waitFor();
      return opened;
    },
    /** The campaign of the audience's page, once it is shown. */
    campaignOf: async (page: ConsolePage['page']) => {
      await page.waitForURL(/#\/audiences\/[0-9a-f-]{36}$/);
      const id = page.url().split('/').at(-1);
      return (await fixture().served.call('GET', `/v1/campaigns/${id}`, undefined, AUTHORIZED)).json;
    },
  };
}

/** Drops a file as a mouse would: the page sees no difference. */
export const drop = async ({ page }: ConsolePage, name: string, content: Buffer, where = 'Choose a file') => {
  const bytes = [...content];
  const data = await page.evaluateHandle(
    ([fileName, all]) => {
      // @ts-expect-error: runs in the page
      const transfer = new globalThis.DataTransfer();
      transfer.items.add(new File([new Uint8Array(all)], fileName));
      return transfer;
    },
    [name, bytes] as const,
  );
  await page.locator('.drop', { hasText: where }).dispatchEvent('drop', { dataTransfer: data });
};

/** A list as spreadsheets save it. */
export const csv = (ids: readonly string[], separator = ',') =>
  Buffer.from(`Name${separator}customer_id\n${ids.map((id, i) => `Ann ${i}${separator}${id}`).join('\n')}\n`);

export const create = ({ page }: ConsolePage) => page.getByRole('button', { name: 'Create audience' }).click();
