/** `metaheac audit`. */

import { auditLine } from '../../../http/audit/entry.ts';
import type { Output } from '../../../lib/output.ts';
import { type ChosenStore, withChosenStore } from '../chosen-store.ts';

/** Number of audit entries per page. */
const PAGE = 1_000;

export async function auditCommand(
  store: ChosenStore,
  { since, until }: { since?: number; until?: number },
  output: Output,
): Promise<void> {
  await withChosenStore(store, async ({ audit }) => {
    for (let cursor: string | null | undefined; cursor !== null; ) {
      const page = await audit.list({ since, until, limit: PAGE, cursor });
      for (const entry of page.items) output.result(auditLine(entry).trimEnd());
      cursor = page.nextCursor;
    }
  });
}
