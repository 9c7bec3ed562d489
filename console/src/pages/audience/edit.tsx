/** Another name, other labels: a change of somebody else's meanwhile is shown before it is replaced. */
import { useState } from 'preact/hooks';
import { call } from '../../api/client.ts';
import { ApiError } from '../../api/errors.ts';
import { useConsole } from '../../console.ts';
import { Button } from '../../ui/button.tsx';
import { Dialog } from '../../ui/dialog.tsx';
import { TextField } from '../../ui/field.tsx';
import { changesBetween } from './changes.ts';
import { type LabelRow, LabelRows } from './label-rows.tsx';
import { type Loaded, loadCampaign } from './load.ts';

const MOST_CHARACTERS = 200;

interface EditProps {
  /** As it was when the dialog was opened. */
  readonly loaded: Loaded;
  readonly onClose: () => void;
  readonly onChange: () => void;
}

export function Edit({ loaded, onClose, onChange }: EditProps) {
  const { api, toasts } = useConsole();
  const [seen, setSeen] = useState(loaded);
  const [name, setName] = useState(loaded.campaign.name);
  const [rows, setRows] = useState<readonly LabelRow[]>(() =>
    Object.entries(loaded.campaign.labels).map(([key, text]) => ({ key, text })),
  );
  const [error, setError] = useState<unknown>();
  const [changes, setChanges] = useState<readonly string[]>([]);
  const [isBusy, setBusy] = useState(false);
  const { id } = seen.campaign;
  const save = async () => {
    setBusy(true);
    setError(undefined);
    try {
      const params = { path: { id }, header: { 'if-match': seen.etag } };
      const labels = Object.fromEntries(
        rows.filter(({ key }) => key.trim() !== '').map(({ key, text }) => [key, text]),
      );
      await call(api.PATCH('/v1/campaigns/{id}', { params, body: { name, labels } }));
      toasts.say('Saved.');
      onChange();
      onClose();
    } catch (cause) {
      if (!(cause instanceof ApiError && cause.status === 412)) return setError(cause);
      const now = await loadCampaign(api, id);
      setChanges(changesBetween(seen.campaign, now.campaign));
      setSeen(now);
    } finally {
      setBusy(false);
    }
  };
  const faultAt = (pointer: string) => (error instanceof ApiError ? error.faultAt(pointer) : undefined);
  const isPlaced = faultAt('/name') !== undefined || faultAt('/labels') !== undefined;
  return (
    <Dialog
      title="Name and labels"
      isOpen
      onClose={onClose}
      actions={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button kind="primary" onClick={save} isBusy={isBusy} disabled={name.trim() === ''}>
            {changes.length > 0 ? 'Save mine' : 'Save'}
          </Button>
        </>
      }
    >
      <div class="edit">
        <TextField
          label="Name"
          value={name}
          onValue={setName}
          error={faultAt('/name')}
          input={{ maxLength: MOST_CHARACTERS }}
        />
        <LabelRows rows={rows} onRows={setRows} error={faultAt('/labels')} />
        {changes.length > 0 ? (
          <div class="notice" role="alert">
            <strong>Somebody else has changed this audience meanwhile.</strong>
            <ul>
              {changes.map((change) => (
                <li key={change}>{change}</li>
              ))}
            </ul>
          </div>
        ) : null}
        {error !== undefined && !isPlaced ? (
          <p class="field-error" role="alert">
            {error instanceof Error ? error.message : String(error)}
          </p>
        ) : null}
      </div>
    </Dialog>
  );
}
