/** Adds customers to a campaign that has too few customers, and rebuilds the audience. */
import { useState } from 'preact/hooks';
import { call } from '../../api/client.ts';
import { ApiError } from '../../api/errors.ts';
import { useConsole } from '../../console.ts';
import { Button } from '../../ui/button.tsx';
import { Dialog } from '../../ui/dialog.tsx';
import { Field } from '../../ui/field.tsx';
import { formatCount } from '../../ui/format.ts';
import { messageOf } from '../../ui/message.ts';

const LINES = 8;

interface AddCustomersProps {
  readonly id: string;
  readonly onChange: () => void;
}

export function AddCustomers({ id, onChange }: AddCustomersProps) {
  const { api, toasts } = useConsole();
  const [isOpen, setOpen] = useState(false);
  const [isBusy, setBusy] = useState(false);
  const [text, setText] = useState('');
  const [fault, setFault] = useState<string>();
  const ids = [...new Set(text.split(/[\s,;]+/).filter(Boolean))];
  const params = { path: { id } };
  const add = async () => {
    setBusy(true);
    setFault(undefined);
    try {
      const { known } = await call(api.POST('/v1/campaigns/{id}/seeds/add', { params, body: { user_ids: ids } }));
      await call(api.POST('/v1/campaigns/{id}/expansions', { params }));
      toasts.say(`${formatCount(known)} customers are matched now. The audience is being rebuilt.`);
      setOpen(false);
      setText('');
      onChange();
    } catch (error) {
      const message = messageOf(error);
      setFault(error instanceof ApiError ? (error.faultAt('/user_ids') ?? message) : message);
    } finally {
      setBusy(false);
    }
  };
  return (
    <>
      <Button kind="primary" onClick={() => setOpen(true)}>
        Add customers
      </Button>
      <Dialog
        title="Add customers"
        isOpen={isOpen}
        onClose={() => setOpen(false)}
        actions={
          <>
            <Button onClick={() => setOpen(false)}>Cancel</Button>
            <Button kind="primary" onClick={add} isBusy={isBusy} disabled={ids.length === 0}>
              {ids.length === 0 ? 'Add' : `Add ${formatCount(ids.length)} and rebuild`}
            </Button>
          </>
        }
      >
        <Field label="Customer IDs" hint="One ID per line, or IDs separated by commas." error={fault}>
          {(control) => (
            <textarea
              {...control}
              class="control ids"
              rows={LINES}
              spellcheck={false}
              value={text}
              onInput={({ currentTarget }) => setText(currentTarget.value)}
            />
          )}
        </Field>
      </Dialog>
    </>
  );
}
