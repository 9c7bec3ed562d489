/** Stores the installation's key. Reads the receipts, which are stored with expansions. */
import { audienceNotFound, campaignNotFound } from '../../domain/not-found.ts';
import type { Receipts } from '../../domain/ports/receipts.ts';
import { newPrivateKey, openReceiptKey, type Receipt, type ReceiptKey } from '../../domain/receipts.ts';
import { refuseDamaged } from './columns.ts';
import type { StoreDependencies } from './dependencies.ts';
import { readJson } from './json.ts';

export class ReceiptRepository implements Receipts {
  readonly #dependencies: StoreDependencies;

  constructor(dependencies: StoreDependencies) {
    this.#dependencies = dependencies;
  }

  async key(): Promise<ReceiptKey> {
    const { database, options } = this.#dependencies;
    const found = await this.#find();
    if (found !== null) return found;
    const made = { key: newPrivateKey(), now: options.clock.now() };
    // if another process creates a key at the same time, the first one is used
    await database.write((t) =>
      t.run(
        `INSERT INTO receipt_key (one, private_key, created_at) VALUES (1, @key, @now) ON CONFLICT (one) DO NOTHING`,
        made,
      ),
    );
    return (await this.#find())!;
  }

  async receiptOf(campaignId: string, version: number): Promise<Receipt> {
    const { database } = this.#dependencies;
    const row = await database.get<{ readonly number: number | null; readonly receipt: string | null }>(
      `SELECT e.number, e.receipt FROM campaigns c
       LEFT JOIN audiences a ON a.campaign = c.number AND a.version = @version
       LEFT JOIN expansions e ON e.number = a.expansion WHERE c.id = @campaignId`,
      { campaignId, version },
    );
    if (row === undefined) throw campaignNotFound(campaignId);
    const { number, receipt } = row;
    if (number === null) throw audienceNotFound(campaignId, version);
    await refuseDamaged(database, [['expansions', { number }]]);
    return readJson<Receipt>(receipt!, 'receipt');
  }

  async #find(): Promise<ReceiptKey | null> {
    const { database } = this.#dependencies;
    const row = await database.get<{ readonly key: string; readonly at: number }>(
      'SELECT private_key AS key, created_at AS at FROM receipt_key',
    );
    if (row === undefined) return null;
    await refuseDamaged(database, [['receipt_key', { one: 1 }]]);
    return openReceiptKey(row.key, row.at);
  }
}
