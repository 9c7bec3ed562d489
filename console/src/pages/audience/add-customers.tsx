/** Adds customers to a campaign that has too few customers, and rebuilds the audience. */
import { useState } from 'preact/hooks';
import { call } from '../../api/client.ts';
import { ApiError } from '../../api/errors.ts';
import { useConsole } from '../../console.ts';
import { IdentifierSelect } from '../../lists/identifier-select.tsx';
import { identifierQueryOf, USER_IDS } from '../../lists/identifiers.ts';
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
  const [format, setFormat] = useState(USER_IDS);
  const ids = [...new Set(text.split('\n').map((line) => line.trim()))].filter(Boolean);
  const params = { path: { id } };
  const to = { params: { ...params, query: identifierQueryOf(format) }, body: { user_ids: ids } };
  const add = async () => {
    setBusy(true);
    setFault(undefined);
    try {
      const { known } = await call(api.POST('/v1/campaigns/{id}/seeds/add', to));
      await call(api.POST('/v1/campaigns/{id}/expansions', { params }));
      toasts.say(`${formatCount(known)} customers are matched now. The audience is being rebuilt.`);
      setOpen(false);
      setText('');
      onChange();
    } catch (error) {
      setFault(faultOf(error, ids));
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
        <IdentifierSelect value={format} onValue={setFormat} />
        <Field label="Customer IDs" hint="One ID per line." error={fault}>
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

/** The fault of the first refused ID, with the ID. */
function faultOf(error: unknown, ids: readonly string[]): string {
  const [fault] = error instanceof ApiError ? error.faults : [];
  const [, index] = /^\/user_ids\/(\d+)$/.exec(fault?.pointer ?? '') ?? [];
  const id = index === undefined ? undefined : ids[Number(index)];
  return fault === undefined || id === undefined ? messageOf(error) : `“${id.slice(0, MOST_SHOWN)}”: ${fault.message}.`;
}

/** Maximum number of characters of an ID in an error message. */
const MOST_SHOWN = 60;
