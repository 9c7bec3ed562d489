/**
 * State of the chosen size, which can be saved to the campaign. Changes that another user made in the meantime are
 * shown instead of overwritten.
 */
import { useEffect, useState } from 'preact/hooks';
import { call } from '../../api/client.ts';
import { ApiError } from '../../api/errors.ts';
import { useConsole } from '../../console.ts';
import { formatCount } from '../../ui/format.ts';
import { messageOf } from '../../ui/message.ts';
import { changesBetween } from './changes.ts';
import { type Loaded, loadCampaign } from './load.ts';

export interface ChosenSize {
  readonly size: number;
  choose(size: number): void;
  /** Saves the chosen size to the campaign. */
  use(): Promise<void>;
  readonly isBusy: boolean;
  /** Changes that another user made since the page showed the campaign; empty if there are none. */
  readonly changes: readonly string[];
}

/** `onChange` reloads the campaign. */
export function useSize(loaded: Loaded, onChange: () => void): ChosenSize {
  const { api, toasts } = useConsole();
  const [size, choose] = useState(loaded.campaign.size ?? 1);
  const [seen, setSeen] = useState(loaded);
  const [changes, setChanges] = useState<readonly string[]>([]);
  const [isBusy, setBusy] = useState(false);
  const look = (now: Loaded) => {
    if (now.campaign.updated_at < seen.campaign.updated_at) return;
    const news = changesBetween(seen.campaign, now.campaign);
    if (news.length > 0) setChanges(news);
    setSeen(now);
  };
  // the page now shows the other user's size, and the user may still save a different size
  useEffect(() => {
    if (loaded.campaign.size !== seen.campaign.size) look(loaded);
    else if (loaded.campaign.updated_at >= seen.campaign.updated_at) setSeen(loaded);
  }, [loaded]);
  const use = async () => {
    setBusy(true);
    const { id } = seen.campaign;
    try {
      const params = { path: { id }, header: { 'if-match': seen.etag } };
      await call(api.PATCH('/v1/campaigns/{id}', { params, body: { audience: { size } } }));
      setSeen(await loadCampaign(api, id));
      setChanges([]);
      toasts.say(`The audience now has ${formatCount(size)} people.`);
    } catch (error) {
      if (error instanceof ApiError && error.status === 412) look(await loadCampaign(api, id));
      else toasts.say(messageOf(error), 'bad');
    } finally {
      setBusy(false);
      onChange();
    }
  };
  return { size, choose, use, isBusy, changes };
}
