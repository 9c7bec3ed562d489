/**
 * Asks for confirmation before the user leaves with unsaved input, in the console or through the browser if the tab
 * closes.
 */
import { useEffect, useState } from 'preact/hooks';
import { useConsole } from '../../console.ts';
import { Button } from '../../ui/button.tsx';
import { Dialog } from '../../ui/dialog.tsx';
import { messageOf } from '../../ui/message.ts';
import type { NewAudience } from './model.ts';

interface LeaveState {
  readonly isOpen: boolean;
  readonly isBusy: boolean;
  readonly onStay: () => void;
  /** Whether to offer keeping a draft, which is not possible while a list is only partly sent. */
  readonly canKeep: boolean;
  readonly onKeep: () => void;
  readonly onLeave: () => void;
}

export function useLeaveGuard(audience: NewAudience, isBusy: boolean): LeaveState {
  const { page, router, toasts } = useConsole();
  const [target, setTarget] = useState<string | null>(null);
  const [isKeeping, setKeeping] = useState(false);
  // this effect guards navigation while the page is shown
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
      // a draft without input is discarded without asking
      if (!audience.isDirty()) audience.draft.discard().catch(() => {});
    };
  }, [audience, page, router]);
  const say = (error: unknown) => toasts.say(messageOf(error), 'bad');
  const go = (href: string) => {
    audience.forget();
    router.guard(null);
    router.go(href);
  };
  const keep = async (href: string) => {
    setKeeping(true);
    try {
      await audience.leave();
      toasts.say('Kept as a draft.');
      go(href);
    } catch (error) {
      say(error);
      setKeeping(false);
    }
  };
  return {
    isOpen: target !== null && !isBusy,
    isBusy: isKeeping,
    canKeep: audience.seeds.state.value.kind !== 'sending',
    onStay: () => setTarget(null),
    onKeep: () => void (target !== null && keep(target)),
    onLeave: () => {
      if (target === null) return;
      audience.draft.discard().catch(say);
      go(target);
    },
  };
}

export function LeaveDialog({ isOpen, isBusy, canKeep, onStay, onKeep, onLeave }: LeaveState) {
  return (
    <Dialog
      title="Leave without creating the audience?"
      isOpen={isOpen}
      onClose={onStay}
      actions={
        <>
          <Button onClick={onStay}>Stay</Button>
          <Button kind="danger" onClick={onLeave} disabled={isBusy}>
            Discard and leave
          </Button>
          <Button kind="primary" onClick={onKeep} isBusy={isBusy} disabled={!canKeep}>
            Keep for later
          </Button>
        </>
      }
    >
      <p>
        Keep your input as a draft, which you can continue from the list of audiences, or discard your input and the
        uploaded customers.
      </p>
    </Dialog>
  );
}
