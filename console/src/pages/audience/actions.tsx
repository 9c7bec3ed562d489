/** Actions on an audience: rebuild, duplicate, edit, delete. */
import { useState } from 'preact/hooks';
import { call } from '../../api/client.ts';
import type { Campaign } from '../../api/types.ts';
import { useConsole } from '../../console.ts';
import { hrefOf } from '../../router.ts';
import { Button, ButtonLink } from '../../ui/button.tsx';
import { Confirm } from '../../ui/confirm.tsx';
import { isRunning } from '../audiences/words.ts';
import { Edit } from './edit.tsx';
import type { Loaded } from './load.ts';
import { Rebuild } from './rebuild.tsx';

interface ActionsProps {
  readonly loaded: Loaded;
  readonly onChange: () => void;
}

export function Actions({ loaded, onChange }: ActionsProps) {
  const { session } = useConsole();
  /** The campaign to edit or delete, in its state when the dialog was opened. */
  const [edited, setEdited] = useState<Loaded | null>(null);
  const [isDeleting, setDeleting] = useState(false);
  const { campaign } = loaded;
  if (!session.may('write')) return null;
  return (
    <>
      {campaign.audience_version === null || isRunning(campaign) ? null : (
        <Rebuild id={campaign.id} onChange={onChange} />
      )}
      <ButtonLink href={hrefOf(['audiences', 'new'], { from: campaign.id })}>Duplicate</ButtonLink>
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
    toasts.say(`Deleted “${name}”.`);
    router.go(hrefOf(['audiences']));
  };
  return (
    <Confirm
      title={`Delete “${name}”?`}
      isOpen
      kind="danger"
      action="Delete audience"
      onConfirm={remove}
      onClose={onClose}
    >
      <p>This also deletes the customer list and all versions of the audience. This cannot be undone.</p>
    </Confirm>
  );
}
