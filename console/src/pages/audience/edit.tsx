/** Edits name and labels. Changes that another user made in the meantime are shown before they are overwritten. */
import { ApiError } from '../../api/errors.ts';
import { useConsole } from '../../console.ts';
import { ErrorBanner } from '../../ui/banner.tsx';
import { Button } from '../../ui/button.tsx';
import { Dialog } from '../../ui/dialog.tsx';
import { TextField } from '../../ui/field.tsx';
import { LabelRows } from '../../ui/label-rows.tsx';
import { ChangesNotice } from './changes-notice.tsx';
import type { Loaded } from './load.ts';
import { useEdit } from './use-edit.ts';

const MOST_CHARACTERS = 200;

interface EditProps {
  /** The campaign in its state when the dialog was opened. */
  readonly loaded: Loaded;
  readonly onClose: () => void;
  readonly onChange: () => void;
}

export function Edit({ loaded, onClose, onChange }: EditProps) {
  const { toasts } = useConsole();
  const { name, rows, setName, setRows, save, isBusy, error, changes } = useEdit(loaded);
  const onSaved = () => {
    toasts.say('Saved.');
    onChange();
    onClose();
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
          <Button kind="primary" onClick={() => save(onSaved)} isBusy={isBusy} disabled={name.trim() === ''}>
            {changes.length > 0 ? 'Save my changes' : 'Save'}
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
        <ChangesNotice changes={changes}>
          Your changes are not saved yet. Overwrite the other changes, or cancel.
        </ChangesNotice>
        {error !== undefined && !isPlaced ? <ErrorBanner error={error} /> : null}
      </div>
    </Dialog>
  );
}
