/** Drafts without a name: they are deleted a while after their last change, or all together by hand. */
import { useEffect, useState } from 'preact/hooks';
import { type Api, call } from '../../api/client.ts';
import { ApiError } from '../../api/errors.ts';
import type { Campaign } from '../../api/types.ts';
import { useConsole } from '../../console.ts';
import { Button } from '../../ui/button.tsx';
import { Confirm } from '../../ui/confirm.tsx';
import { counted } from '../../ui/format.ts';
import { loadCampaigns } from './load.ts';

/** What a draft is called until somebody names it. */
export const DRAFT_NAME = 'Untitled draft';
/** Days after its last change, when a draft without a name is deleted. */
const DRAFT_DAYS = 7;

const DAY_MS = 86_400_000;
/** As many drafts as are looked for at once. */
const MOST = 1_000;

/** Only what the form makes: nothing was ever built of it, and it has no id of another system. */
export function isUntitled({ name, state, external_id: externalId }: Campaign): boolean {
  return name === DRAFT_NAME && state === null && externalId === null;
}

/** Days until it is deleted, from 0 on. */
export function daysLeft({ updated_at: at }: Campaign, now: number): number {
  return Math.max(0, Math.ceil((Date.parse(at) + DRAFT_DAYS * DAY_MS - now) / DAY_MS));
}

/** Deletes the drafts without a name for which `isOver` is true; how many there were. */
async function deleteDrafts(api: Api, isOver: (draft: Campaign) => boolean): Promise<number> {
  const wanted = { search: DRAFT_NAME, state: undefined, label: undefined, count: MOST };
  const { campaigns } = await loadCampaigns(api, wanted, new AbortController().signal);
  const over = campaigns.filter((each) => isUntitled(each) && isOver(each));
  for (const { id } of over)
    await call(api.DELETE('/v1/campaigns/{id}', { params: { path: { id } } })).catch((error: unknown) => {
      if (!(error instanceof ApiError && error.status === 404)) throw error;
    });
  return over.length;
}

/** Deletes what has expired when the list is opened, by whoever may. */
export function useExpiry(onDeleted: () => void): void {
  const { api, session, time, toasts } = useConsole();
  useEffect(() => {
    if (!session.may('write')) return;
    deleteDrafts(api, (draft) => daysLeft(draft, time.now()) === 0).then(
      (count) => {
        if (count === 0) return;
        toasts.say(`Deleted ${counted(count, 'untitled draft')} not changed for ${DRAFT_DAYS} days.`);
        onDeleted();
      },
      // the list tells that the service is away; the next visit tries again
      () => {},
    );
  }, []);
}

export function DeleteDrafts({ onDeleted }: { readonly onDeleted: () => void }) {
  const { api, toasts } = useConsole();
  const [isOpen, setOpen] = useState(false);
  const remove = async () => {
    const count = await deleteDrafts(api, () => true);
    toasts.say(`Deleted ${counted(count, 'untitled draft')}.`);
    onDeleted();
  };
  return (
    <>
      <Button onClick={() => setOpen(true)}>Delete all drafts</Button>
      <Confirm
        title="Delete all drafts without a name?"
        isOpen={isOpen}
        kind="danger"
        action="Delete drafts"
        onConfirm={remove}
        onClose={() => setOpen(false)}
      >
        <p>
          This deletes every untitled draft with the customers uploaded for it, also those that someone is filling in
          now. Drafts with a name stay. It cannot be undone.
        </p>
        <p class="muted">Untitled drafts are also deleted {DRAFT_DAYS} days after their last change.</p>
      </Confirm>
    </>
  );
}
