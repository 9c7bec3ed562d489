/**
 * Asks for confirmation of an action that affects others. If the action is refused, the dialog stays open and shows the
 * reason.
 */
import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import { Button } from './button.tsx';
import { Dialog } from './dialog.tsx';
import { messageOf } from './message.ts';

interface ConfirmProps {
  readonly title: string;
  readonly isOpen: boolean;
  readonly action: string;
  /** Kind of the button, which is `danger` for an action that cannot be undone. */
  readonly kind?: 'primary' | 'danger';
  /** Runs the action. If the promise rejects, the message of the error is shown. */
  readonly onConfirm: () => Promise<void>;
  readonly onClose: () => void;
  readonly children: ComponentChildren;
}

export function Confirm({ title, isOpen, action, kind = 'primary', onConfirm, onClose, children }: ConfirmProps) {
  const [isBusy, setBusy] = useState(false);
  const [fault, setFault] = useState<string | null>(null);
  const close = () => {
    setFault(null);
    onClose();
  };
  const confirm = async () => {
    setBusy(true);
    setFault(null);
    try {
      await onConfirm();
      close();
    } catch (error) {
      setFault(messageOf(error));
    } finally {
      setBusy(false);
    }
  };
  return (
    <Dialog
      title={title}
      isOpen={isOpen}
      onClose={close}
      actions={
        <>
          <Button onClick={close} disabled={isBusy}>
            Cancel
          </Button>
          <Button kind={kind} isBusy={isBusy} onClick={confirm}>
            {isBusy ? 'Working …' : action}
          </Button>
        </>
      }
    >
      {children}
      {fault === null ? null : (
        <p role="alert" class="field-error">
          {fault}
        </p>
      )}
    </Dialog>
  );
}
