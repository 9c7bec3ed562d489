/** The key of an installation, and the receipts of audience versions. */
import { describe, expect, it } from 'vitest';
import { RECEIPT } from '../../fixture/receipt.ts';
import { expand } from './inputs.ts';
import { created, type NewData } from './new-data.ts';

export function describeReceipts(newData: NewData): void {
  describe('receipts', () => {
    it('are signed with one key, whoever needs it first', async () => {
      const data = newData();
      const [api, engine] = [await data.open(), await data.open()];
      const [one, other] = await Promise.all([api.receipts.key(), engine.receipts.key()]);
      expect(one.id).toMatch(/^[0-9a-f]{16}$/);
      expect(other.id).toBe(one.id);
      expect(await (await data.open()).receipts.key()).toMatchObject({ id: one.id, publicKey: one.publicKey });
    });

    it('belong to all versions of a ranking, and only to those', async () => {
      const { store, id } = await created(newData());
      const receipt = { ...RECEIPT, inputs: { ...RECEIPT.inputs, features: { category: 'a\u0000"b' } } };
      await expand(store, (await store.claim('1:a'))!, { receipt });
      await store.update(id, { audience: { size: 5 } });
      await store.expand(id);
      await expand(store, (await store.claim('1:a'))!, { folder: 'audiences/c/f', receipt: RECEIPT });
      const found = await Promise.all([1, 2, 3].map((version) => store.receipts.receiptOf(id, version)));
      expect(found).toEqual([receipt, receipt, RECEIPT]);
      await expect(store.receipts.receiptOf(id, 4)).rejects.toMatchObject({ code: 'audience_not_found' });
      await expect(store.receipts.receiptOf('none', 1)).rejects.toMatchObject({ code: 'campaign_not_found' });
    });
  });
}
