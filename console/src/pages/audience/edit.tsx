/**
 * Edits name, labels, special category and four-fifths rule. Changes that another user made in the meantime are shown
 * before they are overwritten.
 */
import { call } from '../../api/client.ts';
import { ApiError } from '../../api/errors.ts';
import { usePolled } from '../../api/use-polled.ts';
import { useConsole } from '../../console.ts';
import { ErrorBanner } from '../../ui/banner.tsx';
import { Button } from '../../ui/button.tsx';
import { Dialog } from '../../ui/dialog.tsx';
import { TextField } from '../../ui/field.tsx';
import { LabelRows } from '../../ui/label-rows.tsx';
import { SpecialFields } from '../special-fields.tsx';
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
  const { api, toasts } = useConsole();
  const { name, rows, setName, setRows, special, setSpecial, save, isBusy, error, changes } = useEdit(loaded);
  const { data: population } = usePolled((signal) => call(api.GET('/v1/populations/current', { signal })), {
    key: 'population',
    everyMs: () => null,
  });
  const onSaved = () => {
    toasts.say('Saved.');
    onChange();
    onClose();
  };
  const faultAt = (pointer: string) => (error instanceof ApiError ? error.faultAt(pointer) : undefined);
  const isPlaced = ['/name', '/labels', '/category', '/four_fifths'].some((at) => faultAt(at) !== undefined);
  return (
    <Dialog
      title="Edit the audience"
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
        {population === undefined ? null : (
          <SpecialFields inputs={special} population={population} onChange={setSpecial} faultAt={faultAt} />
        )}
        <ChangesNotice changes={changes}>
          Your changes are not saved yet. Overwrite the other changes, or cancel.
        </ChangesNotice>
        {error !== undefined && !isPlaced ? <ErrorBanner error={error} /> : null}
      </div>
    </Dialog>
  );
}
