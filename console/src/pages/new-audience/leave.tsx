/** Who leaves with something entered is asked first, by the page or, at the end of the tab, by the browser. */
import { useEffect, useState } from 'preact/hooks';
import { useConsole } from '../../console.ts';
import { Button } from '../../ui/button.tsx';
import { Dialog } from '../../ui/dialog.tsx';
import type { NewAudience } from './model.ts';

interface LeaveState {
  readonly isOpen: boolean;
  readonly onStay: () => void;
  readonly onLeave: () => void;
}

export function useLeaveGuard(audience: NewAudience, isBusy: boolean): LeaveState {
  const { page, router, toasts } = useConsole();
  const [target, setTarget] = useState<string | null>(null);
  // the page asks once it is shown, and no more when it is gone
  useEffect(() => {
    const isHere = (href: string) => href.startsWith('#/audiences/new');
    router.guard((href) => {
      if (isHere(href) || !audience.isDirty()) return true;
      setTarget(href);
      return false;
    });
    const onUnload = (event: BeforeUnloadEvent) => {
      if (audience.isDirty()) event.preventDefault();
    };
    page.addEventListener('beforeunload', onUnload);
    return () => {
      router.guard(null);
      page.removeEventListener('beforeunload', onUnload);
      // a draft that nothing was entered for would only be in the way
      if (!audience.isDirty()) audience.draft.discard().catch(() => {});
    };
  }, [audience, page, router]);
  return {
    isOpen: target !== null && !isBusy,
    onStay: () => setTarget(null),
    onLeave: () => {
      if (target === null) return;
      audience.draft.discard().catch((error: unknown) => {
        toasts.say(error instanceof Error ? error.message : String(error), 'bad');
      });
      audience.forget();
      router.guard(null);
      router.go(target);
    },
  };
}

export function LeaveDialog({ isOpen, onStay, onLeave }: LeaveState) {
  return (
    <Dialog
      title="Leave without creating it?"
      isOpen={isOpen}
      onClose={onStay}
      actions={
        <>
          <Button onClick={onStay}>Stay</Button>
          <Button kind="danger" onClick={onLeave}>
            Discard and leave
          </Button>
        </>
      }
    >
      <p>What you entered here, and the customers that you sent, are removed.</p>
    </Dialog>
  );
}
