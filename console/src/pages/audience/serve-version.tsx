/** Asks the user to confirm before another version of an audience is served. */
import { answerOf, call } from '../../api/client.ts';
import { ApiError } from '../../api/errors.ts';
import { usePolled } from '../../api/use-polled.ts';
import { useConsole } from '../../console.ts';
import { Confirm } from '../../ui/confirm.tsx';
import { formatCount } from '../../ui/format.ts';
import type { Version } from './load-versions.ts';

interface ServeVersionProps {
  readonly id: string;
  readonly target: Version;
  readonly onClose: () => void;
  readonly onChange: () => void;
}

export function ServeVersion({ id, target: { version, size }, onClose, onChange }: ServeVersionProps) {
  const { api, toasts } = useConsole();
  // the version in use when the dialog opened; if another version is in use when the user confirms, nothing is done
  const { data: etag } = usePolled(
    async (signal) => {
      const params = { path: { id }, query: { limit: 1 } };
      const { response } = await answerOf(api.GET('/v1/campaigns/{id}/audience', { params, signal }));
      return response.headers.get('etag');
    },
    { key: id, everyMs: () => null },
  );
  const serve = async () => {
    try {
      const params = { path: { id }, ...(etag && { header: { 'if-match': etag } }) };
      await call(api.PUT('/v1/campaigns/{id}/audience', { params, body: { version } }));
      toasts.say(`Version ${version} is now in use.`);
    } catch (error) {
      if (!(error instanceof ApiError && error.status === 412)) throw error;
      throw new Error('Another version is now in use. Check the list, then choose again.', {
        cause: error,
      });
    } finally {
      onChange();
    }
  };
  return (
    <Confirm title={`Use version ${version}?`} isOpen action="Use this version" onConfirm={serve} onClose={onClose}>
      <p>
        Lookups and downloads switch to the {formatCount(size)} people of this version immediately. You can switch back
        at any time.
      </p>
    </Confirm>
  );
}
