/** Rebuilds an audience with its current definition. */
import { useState } from 'preact/hooks';
import { call } from '../../api/client.ts';
import { useConsole } from '../../console.ts';
import { Button } from '../../ui/button.tsx';
import { messageOf } from '../../ui/message.ts';

interface RebuildProps {
  readonly id: string;
  readonly onChange: () => void;
  readonly kind?: 'primary' | 'plain';
}

export function Rebuild({ id, onChange, kind = 'plain' }: RebuildProps) {
  const { api, toasts } = useConsole();
  const [isBusy, setBusy] = useState(false);
  const rebuild = async () => {
    setBusy(true);
    try {
      await call(api.POST('/v1/campaigns/{id}/expansions', { params: { path: { id } } }));
      onChange();
    } catch (error) {
      toasts.say(messageOf(error), 'bad');
    } finally {
      setBusy(false);
    }
  };
  return (
    <Button kind={kind} onClick={rebuild} isBusy={isBusy}>
      Rebuild
    </Button>
  );
}
