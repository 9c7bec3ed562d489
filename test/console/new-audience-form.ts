/** What people do with the form of a new audience. */
import type { ConsolePage } from './browser.ts';

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

/** A list as spreadsheets write it. */
export const csv = (ids: readonly string[], separator = ',') =>
  Buffer.from(`Name${separator}customer_id\n${ids.map((id, i) => `Ann ${i}${separator}${id}`).join('\n')}\n`);

export const create = ({ page }: ConsolePage) => page.getByRole('button', { name: 'Create the audience' }).click();
