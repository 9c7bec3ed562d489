/** `metaheac keys revoke`. */
import type { Output } from '../../../lib/output.ts';
import { type ChosenStore, withChosenStore } from '../chosen-store.ts';
import { recorded } from './recorded.ts';

export async function keysRevokeCommand(chosen: ChosenStore, id: string, output: Output): Promise<void> {
  await withChosenStore(chosen, (store) =>
    recorded(store, { action: 'revokeKey', resource: 'key', resourceId: id }, () => store.apiKeys.revoke(id)),
  );
  output.result(`revoked ${id}`);
}
