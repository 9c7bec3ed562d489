/** What can be done with a whole audience: another name, making it again, deleting it. */
import { useState } from 'preact/hooks';
import { call } from '../../api/client.ts';
import { useConsole } from '../../console.ts';
import { hrefOf } from '../../router.ts';
import { Button } from '../../ui/button.tsx';
import { Dialog } from '../../ui/dialog.tsx';
import { TextField } from '../../ui/field.tsx';
import { isRunning } from '../audiences/words.ts';
import type { Loaded } from './load.ts';

interface ActionsProps {
  readonly loaded: Loaded;
  readonly onChange: () => void;
}

export function Actions({ loaded, onChange }: ActionsProps) {
  const { api, session, toasts, router } = useConsole();
  const [open, setOpen] = useState<'rename' | 'delete' | null>(null);
  const { campaign, etag } = loaded;
  const { id, name } = campaign;
  const [text, setText] = useState(name);
  if (!session.may('write')) return null;
  const path = { id };
  /** Says what went wrong; `done` follows where nothing did. */
  const attempt = async (work: () => Promise<unknown>, done: () => void) => {
    try {
      await work();
      setOpen(null);
      done();
    } catch (error) {
      toasts.say(error instanceof Error ? error.message : String(error), 'bad');
    }
  };
  const rename = () =>
    attempt(
      () =>
        call(api.PATCH('/v1/campaigns/{id}', { params: { path, header: { 'if-match': etag } }, body: { name: text } })),
      onChange,
    );
  const remove = () =>
    attempt(
      () => call(api.DELETE('/v1/campaigns/{id}', { params: { path } })),
      () => {
        toasts.say(`“${name}” is deleted.`);
        router.go(hrefOf(['audiences']));
      },
    );
  const again = () => attempt(() => call(api.POST('/v1/campaigns/{id}/expansions', { params: { path } })), onChange);
  return (
    <>
      {isRunning(campaign) || campaign.seeds === null ? null : <Button onClick={again}>Make it again</Button>}
      <Button
        onClick={() => {
          setText(name);
          setOpen('rename');
        }}
      >
        Rename
      </Button>
      <Button kind="danger" onClick={() => setOpen('delete')}>
        Delete
      </Button>
      <Rename text={text} onText={setText} isOpen={open === 'rename'} onClose={() => setOpen(null)} onDo={rename} />
      <Delete name={name} isOpen={open === 'delete'} onClose={() => setOpen(null)} onDo={remove} />
    </>
  );
}

interface QuestionProps {
  readonly isOpen: boolean;
  readonly onClose: () => void;
  readonly onDo: () => void;
}

type RenameProps = QuestionProps & { readonly text: string; readonly onText: (text: string) => void };

function Rename({ text, onText, isOpen, onClose, onDo }: RenameProps) {
  return (
    <Dialog
      title="Rename the audience"
      isOpen={isOpen}
      onClose={onClose}
      actions={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button kind="primary" onClick={onDo} disabled={text.trim() === ''}>
            Rename
          </Button>
        </>
      }
    >
      <TextField label="Name" value={text} onValue={onText} input={{ maxLength: 200 }} />
    </Dialog>
  );
}

function Delete({ name, isOpen, onClose, onDo }: QuestionProps & { readonly name: string }) {
  return (
    <Dialog
      title={`Delete “${name}”?`}
      isOpen={isOpen}
      onClose={onClose}
      actions={
        <>
          <Button onClick={onClose}>Keep it</Button>
          <Button kind="danger" onClick={onDo}>
            Delete it
          </Button>
        </>
      }
    >
      <p>Its list of customers, its versions and its downloads go with it. This cannot be undone.</p>
    </Dialog>
  );
}
