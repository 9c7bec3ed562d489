/** The dialog that changes what a destination receives. */
import { useState } from 'preact/hooks';
import { call } from '../../api/client.ts';
import type { Destination } from '../../api/types.ts';
import { useConsole } from '../../console.ts';
import { ErrorBanner } from '../../ui/banner.tsx';
import { Button } from '../../ui/button.tsx';
import { Dialog } from '../../ui/dialog.tsx';
import { TextField } from '../../ui/field.tsx';
import { rowsOf } from '../../ui/label-rows.tsx';
import './destinations.css';
import { type Received, ReceivedFields, receivedBody } from './received.tsx';

interface EditDestinationProps {
  /** The destination when the dialog was opened. */
  readonly destination: Destination;
  readonly onClose: () => void;
  readonly onChange: () => void;
}

export function EditDestination({ destination, onClose, onChange }: EditDestinationProps) {
  const { api, toasts } = useConsole();
  const { id, name, format, mode, cut, identifier, labels } = destination;
  const [before] = useState<Received>({
    name,
    format,
    mode,
    cut: cut ?? '',
    identifier: identifier ?? '',
    labels: rowsOf(labels),
  });
  const [draft, setDraft] = useState(before);
  const [error, setError] = useState<unknown>();
  const [isBusy, setBusy] = useState(false);
  const edit = (part: Partial<Received>) => setDraft({ ...draft, ...part });
  // omit fields that were not edited, so that changes by other users are kept
  const isEdited = (field: string) => draft[field as keyof Received] !== before[field as keyof Received];
  const changes = Object.entries(receivedBody(draft)).filter(([field]) => isEdited(field));
  const save = async () => {
    setBusy(true);
    setError(undefined);
    try {
      await call(api.PATCH('/v1/destinations/{id}', { params: { path: { id } }, body: Object.fromEntries(changes) }));
      toasts.say('Saved.');
      onChange();
      onClose();
    } catch (cause) {
      setError(cause);
    } finally {
      setBusy(false);
    }
  };
  return (
    <Dialog
      title="Edit destination"
      isOpen
      onClose={onClose}
      actions={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button
            kind="primary"
            onClick={save}
            isBusy={isBusy}
            disabled={draft.name.trim() === '' || changes.length === 0}
          >
            Save
          </Button>
        </>
      }
    >
      <div class="destination-form">
        <TextField label="New name" value={draft.name} onValue={(text) => edit({ name: text })} />
        <ReceivedFields value={draft} onChange={edit} />
        {error === undefined ? null : <ErrorBanner error={error} />}
      </div>
    </Dialog>
  );
}
