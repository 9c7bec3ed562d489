/** `metaheac keys revoke`. */
import type { Output } from '../../../lib/output.ts';
import { withDataFolder } from '../../../service/data-folder.ts';
import { recorded } from './recorded.ts';

export function keysRevokeCommand(dataDir: string, id: string, output: Output): void {
  withDataFolder(dataDir, (store) =>
    recorded(store, { action: 'revokeKey', resource: 'key', resourceId: id }, () => store.apiKeys.revoke(id)),
  );
  output.result(`revoked ${id}`);
}
