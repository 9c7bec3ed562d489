/** `metaheac keys revoke`. */
import type { Output } from '../../../lib/output.ts';
import { withDataFolder } from '../../../service/data-folder.ts';
import { recorded } from './recorded.ts';

export async function keysRevokeCommand(dataDir: string, id: string, output: Output): Promise<void> {
  await withDataFolder(dataDir, (store) =>
    recorded(store, { action: 'revokeKey', resource: 'key', resourceId: id }, () => store.apiKeys.revoke(id)),
  );
  output.result(`revoked ${id}`);
}
