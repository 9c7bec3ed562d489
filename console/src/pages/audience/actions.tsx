/** What can be done with a whole audience: making it again, another name and labels, deleting it. */
import { useState } from 'preact/hooks';
import { call } from '../../api/client.ts';
import type { Campaign } from '../../api/types.ts';
import { useConsole } from '../../console.ts';
import { hrefOf } from '../../router.ts';
import { Button } from '../../ui/button.tsx';
import { Confirm } from '../../ui/confirm.tsx';
import { isRunning } from '../audiences/words.ts';
import { Edit } from './edit.tsx';
import type { Loaded } from './load.ts';

interface ActionsProps {
  readonly loaded: Loaded;
  readonly onChange: () => void;
}

export function Actions({ loaded, onChange }: ActionsProps) {
  const { api, session, toasts } = useConsole();
  /** What is edited, or is to be deleted, as it was when that was asked for. */
  const [edited, setEdited] = useState<Loaded | null>(null);
  const [isDeleting, setDeleting] = useState(false);
  const [isBusy, setBusy] = useState(false);
  const { campaign } = loaded;
  if (!session.may('write')) return null;
  const again = async () => {
    setBusy(true);
    try {
      await call(api.POST('/v1/campaigns/{id}/expansions', { params: { path: { id: campaign.id } } }));
      onChange();
    } catch (error) {
      toasts.say(error instanceof Error ? error.message : String(error), 'bad');
    } finally {
      setBusy(false);
    }
  };
  return (
    <>
      {campaign.audience_version === null || isRunning(campaign) ? null : (
        <Button onClick={again} isBusy={isBusy}>
          Make it again
        </Button>
      )}
      <Button onClick={() => setEdited(loaded)}>Edit</Button>
      <Button kind="danger" onClick={() => setDeleting(true)}>
        Delete
      </Button>
      {edited === null ? null : <Edit loaded={edited} onClose={() => setEdited(null)} onChange={onChange} />}
      {isDeleting ? <Delete campaign={campaign} onClose={() => setDeleting(false)} /> : null}
    </>
  );
}

function Delete({ campaign: { id, name }, onClose }: { readonly campaign: Campaign; readonly onClose: () => void }) {
  const { api, toasts, router } = useConsole();
  const remove = async () => {
    await call(api.DELETE('/v1/campaigns/{id}', { params: { path: { id } } }));
    toasts.say(`“${name}” is deleted.`);
    router.go(hrefOf(['audiences']));
  };
  return (
    <Confirm title={`Delete “${name}”?`} isOpen kind="danger" action="Delete it" onConfirm={remove} onClose={onClose}>
      <p>Its list of customers, its versions and its downloads go with it. This cannot be undone.</p>
    </Confirm>
  );
}
