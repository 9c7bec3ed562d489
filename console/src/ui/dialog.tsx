/** A modal dialog. The browser's dialog element handles focus and Escape. */
import type { ComponentChildren } from 'preact';
import { useEffect, useId, useLayoutEffect, useRef } from 'preact/hooks';

interface DialogProps {
  readonly title: string;
  readonly isOpen: boolean;
  readonly onClose: () => void;
  readonly children: ComponentChildren;
  /** The dialog's buttons. */
  readonly actions: ComponentChildren;
}

export function Dialog({ title, isOpen, onClose, children, actions }: DialogProps) {
  const ref = useRef<HTMLDialogElement>(null);
  const id = useId();
  // before the effects of the page, which may move the focus that the dialog returns
  useLayoutEffect(() => {
    const dialog = ref.current;
    if (dialog === null || dialog.open === isOpen) return;
    if (isOpen) dialog.showModal();
    else dialog.close();
  }, [isOpen]);
  // a dialog that is removed while open also returns the focus
  useEffect(() => {
    const dialog = ref.current;
    return () => dialog?.close();
  }, []);
  return (
    <dialog ref={ref} class="dialog" aria-labelledby={id} onClose={onClose}>
      {isOpen ? (
        <>
          <h2 id={id}>{title}</h2>
          <div class="dialog-body">{children}</div>
          <div class="dialog-actions">{actions}</div>
        </>
      ) : null}
    </dialog>
  );
}
