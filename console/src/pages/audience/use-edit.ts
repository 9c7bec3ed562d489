/** State of a form that edits name and labels and saves them to the campaign. */
import { useState } from 'preact/hooks';
import { call } from '../../api/client.ts';
import { ApiError } from '../../api/errors.ts';
import { useConsole } from '../../console.ts';
import { type LabelRow, labelsOf, rowsOf } from '../../ui/label-rows.tsx';
import { changesBetween } from './changes.ts';
import { type Loaded, loadCampaign } from './load.ts';

export interface Edited {
  readonly name: string;
  readonly rows: readonly LabelRow[];
  setName(name: string): void;
  setRows(rows: readonly LabelRow[]): void;
  /** Calls `onSaved` once the service has accepted the change. */
  save(onSaved: () => void): Promise<void>;
  readonly isBusy: boolean;
  readonly error: unknown;
  /** Changes that another user made in the meantime. Saving again overwrites them. */
  readonly changes: readonly string[];
}

/** `loaded` is the campaign that was shown when editing began. */
export function useEdit(loaded: Loaded): Edited {
  const { api } = useConsole();
  const [seen, setSeen] = useState(loaded);
  const [name, setName] = useState(loaded.campaign.name);
  const [rows, setRows] = useState(() => rowsOf(loaded.campaign.labels));
  const [error, setError] = useState<unknown>();
  const [changes, setChanges] = useState<readonly string[]>([]);
  const [isBusy, setBusy] = useState(false);
  const { id } = loaded.campaign;
  const attempt = async () => {
    const params = { path: { id }, header: { 'if-match': seen.etag } };
    await call(api.PATCH('/v1/campaigns/{id}', { params, body: { name, labels: labelsOf(rows) } }));
  };
  const look = async () => {
    const now = await loadCampaign(api, id);
    setChanges(changesBetween(seen.campaign, now.campaign));
    setSeen(now);
  };
  const save = async (onSaved: () => void) => {
    setBusy(true);
    setError(undefined);
    try {
      await attempt();
      onSaved();
    } catch (cause) {
      if (cause instanceof ApiError && cause.status === 412) await look().catch(setError);
      else setError(cause);
    } finally {
      setBusy(false);
    }
  };
  return { name, rows, setName, setRows, save, isBusy, error, changes };
}
