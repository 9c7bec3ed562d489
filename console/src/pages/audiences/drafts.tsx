/** Deletes untitled drafts some days after their last change, or all of them on request. */
import { useEffect, useState } from 'preact/hooks';
import { type Api, call } from '../../api/client.ts';
import { ApiError } from '../../api/errors.ts';
import type { Campaign } from '../../api/types.ts';
import { useConsole } from '../../console.ts';
import { Button } from '../../ui/button.tsx';
import { Confirm } from '../../ui/confirm.tsx';
import { counted } from '../../ui/format.ts';
import { loadCampaign } from '../audience/load.ts';
import { loadCampaigns } from './load.ts';

/** The name of a draft until the user enters one. */
export const DRAFT_NAME = 'Untitled draft';
/** Number of days after the last change at which an untitled draft is deleted. */
const DRAFT_DAYS = 7;

const DAY_MS = 86_400_000;
/** Maximum number of drafts in one request. */
const MOST = 1_000;

/** Whether the campaign is an untitled draft of the form, which was never expanded and has no external id. */
export function isUntitled({ name, state, external_id: externalId }: Campaign): boolean {
  return name === DRAFT_NAME && state === null && externalId === null;
}

/** Days until the draft is deleted, at least 0. */
export function daysLeft({ updated_at: at }: Campaign, now: number): number {
  return Math.max(0, Math.ceil((Date.parse(at) + DRAFT_DAYS * DAY_MS - now) / DAY_MS));
}

/** Deletes the untitled drafts for which `isOver` returns true, and returns the number of deleted drafts. */
async function deleteDrafts(api: Api, isOver: (draft: Campaign) => boolean): Promise<number> {
  const { campaigns } = await loadCampaigns(api, { search: DRAFT_NAME }, MOST, new AbortController().signal);
  const isWanted = (each: Campaign) => isUntitled(each) && isOver(each);
  let count = 0;
  for (const { id } of campaigns.filter(isWanted)) if (await deleteIf(api, id, isWanted)) count += 1;
  return count;
}

/**
 * Deletes a draft if `isWanted` still returns true for its current state, and returns whether the draft was deleted.
 * Since the list was loaded, another user may have deleted, continued or submitted the draft.
 */
async function deleteIf(api: Api, id: string, isWanted: (draft: Campaign) => boolean): Promise<boolean> {
  try {
    const { campaign, etag } = await loadCampaign(api, id);
    if (!isWanted(campaign)) return false;
    await call(api.DELETE('/v1/campaigns/{id}', { params: { path: { id }, header: { 'if-match': etag } } }));
    return true;
  } catch (error) {
    if (error instanceof ApiError && (error.status === 404 || error.status === 412)) return false;
    throw error;
  }
}

/** Deletes expired drafts when a user with write access opens the list. */
export function useExpiry(onDeleted: () => void): void {
  const { api, session, time, toasts } = useConsole();
  useEffect(() => {
    if (!session.may('write')) return;
    deleteDrafts(api, (draft) => daysLeft(draft, time.now()) === 0).then(
      (count) => {
        if (count === 0) return;
        toasts.say(`Deleted ${counted(count, 'untitled draft')} that had not changed for ${DRAFT_DAYS} days.`);
        onDeleted();
      },
      // the error is ignored here, because the list shows that the service cannot be reached, and the next visit tries
      // again
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
        title="Delete all untitled drafts?"
        isOpen={isOpen}
        kind="danger"
        action="Delete drafts"
        onConfirm={remove}
        onClose={() => setOpen(false)}
      >
        <p>
          This deletes all untitled drafts and their uploaded customers, including drafts that someone is filling in
          now. Drafts with a name stay. This cannot be undone.
        </p>
        <p class="muted">Untitled drafts are also deleted {DRAFT_DAYS} days after their last change.</p>
      </Confirm>
    </>
  );
}
