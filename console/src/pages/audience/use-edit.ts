/** State of a form that edits name, labels, special category and four-fifths rule, and saves them to the campaign. */
import { useState } from 'preact/hooks';
import { call } from '../../api/client.ts';
import { ApiError } from '../../api/errors.ts';
import { useConsole } from '../../console.ts';
import { type LabelRow, labelsOf, rowsOf } from '../../ui/label-rows.tsx';
import type { SpecialInputs } from '../special-rules.ts';
import { changesBetween } from './changes.ts';
import { type Loaded, loadCampaign } from './load.ts';

export interface Edited {
  readonly name: string;
  readonly rows: readonly LabelRow[];
  setName(name: string): void;
  setRows(rows: readonly LabelRow[]): void;
  readonly special: SpecialInputs;
  setSpecial(part: Partial<SpecialInputs>): void;
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
  const [special, setSpecial] = useState(() => specialOf(loaded.campaign));
  const [error, setError] = useState<unknown>();
  const [changes, setChanges] = useState<readonly string[]>([]);
  const [isBusy, setBusy] = useState(false);
  const { id } = loaded.campaign;
  const attempt = async () => {
    const params = { path: { id }, header: { 'if-match': seen.etag } };
    const { category, four_fifths: fourFifths } = loaded.campaign;
    const body = {
      ...{ name, labels: labelsOf(rows) },
      // the service checks them against the population in use, which may have changed
      ...(special.category !== category && { category: special.category }),
      ...(special.four_fifths !== fourFifths && { four_fifths: special.four_fifths }),
    };
    await call(api.PATCH('/v1/campaigns/{id}', { params, body }));
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
  const changeSpecial = (part: Partial<SpecialInputs>) => setSpecial((before) => ({ ...before, ...part }));
  return { name, rows, setName, setRows, special, setSpecial: changeSpecial, save, isBusy, error, changes };
}

function specialOf({ category, four_fifths, filters }: Loaded['campaign']): SpecialInputs {
  return { category, four_fifths, filters: filters as SpecialInputs['filters'] };
}
