/** Downloads the audience, shows a command for the download, and lists the systems that were notified. */
import { useState } from 'preact/hooks';
import { ApiError, ForeignAnswerError, isProblem, OfflineError } from '../../api/errors.ts';
import type { Campaign } from '../../api/types.ts';
import { useConsole } from '../../console.ts';
import { LabelSelect, useIdentifiers } from '../../lists/identifier-select.tsx';
import { type IdFormat, identifierQueryOf, USER_IDS } from '../../lists/identifiers.ts';
import { Button } from '../../ui/button.tsx';
import { Select } from '../../ui/field.tsx';
import { formatCount } from '../../ui/format.ts';
import { messageOf } from '../../ui/message.ts';
import { saveFile } from '../../ui/save-file.ts';
import { CutSelect } from './cut-select.tsx';
import { Deliveries } from './deliveries.tsx';

interface Format {
  readonly key: string;
  readonly label: string;
  readonly type: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly ending: string;
}

const FORMATS: readonly Format[] = [
  { key: 'csv', label: 'CSV', type: 'text/csv', ending: 'csv' },
  { key: 'sheet', label: 'CSV for a spreadsheet', type: 'text/csv', query: { csv_safe: 'true' }, ending: 'csv' },
  { key: 'ndjson', label: 'NDJSON', type: 'application/x-ndjson', ending: 'ndjson' },
  { key: 'parquet', label: 'Parquet', type: 'application/vnd.apache.parquet', ending: 'parquet' },
];

export function Export({ campaign }: { readonly campaign: Campaign }) {
  return (
    <div class="stack">
      <Download campaign={campaign} />
      <Deliveries campaign={campaign} />
    </div>
  );
}

function Download({ campaign: { id, name, size, cuts } }: { readonly campaign: Campaign }) {
  const { page, session, toasts, connection } = useConsole();
  const [isBusy, setBusy] = useState(false);
  const [key, setKey] = useState('csv');
  const [label, setLabel] = useState<IdFormat['label']>(null);
  const identifiers = useIdentifiers();
  const [chosen, setCut] = useState('');
  // the chosen cut may have been removed meanwhile
  const cut = cuts.some(({ name: known }) => known === chosen) ? chosen : '';
  const format = FORMATS.find((each) => each.key === key) ?? FORMATS[0]!;
  const query = String(
    new URLSearchParams({ ...(cut && { cut }), ...format.query, ...identifierQueryOf({ ...USER_IDS, label }) }),
  );
  const path = `/v1/campaigns/${id}/audience${query === '' ? '' : `?${query}`}`;
  const file = `${fileName(cut === '' ? name : `${name} ${cut}`)}.${format.ending}`;
  const download = async () => {
    setBusy(true);
    try {
      const key = session.key === null ? {} : { authorization: `Bearer ${session.key}` };
      saveFile(page, await fetchFile(path, { accept: format.type, ...key }), file);
    } catch (error) {
      if (error instanceof OfflineError) connection.lost();
      toasts.say(messageOf(error), 'bad');
    } finally {
      setBusy(false);
    }
  };
  const authorization = session.key === null ? '' : `-H "authorization: Bearer $METAHEAC_API_KEY" `;
  const curl = `curl --fail -H 'accept: ${format.type}' ${authorization}'${page.location.origin}${path}' -o '${file}'`;
  const copy = async () => {
    try {
      await page.navigator.clipboard.writeText(curl);
      toasts.say('Command copied.');
    } catch {
      toasts.say('Your browser blocked copying. Select the command and copy it yourself.', 'bad');
    }
  };
  return (
    <section class="panel" aria-label="Download">
      <h2>Download</h2>
      <p class="muted">
        {cut === '' ? `${formatCount(size ?? 0)} people` : `The people in the cut ${cut}`} with rank,{' '}
        {label === null ? 'ID' : 'hash'}, score and percentile, best first.
        {label === null ? null : ' People without an identifier of this kind are left out.'}
      </p>
      <div class="export">
        <CutSelect label="Part of the audience" cuts={cuts} value={cut} onValue={setCut} />
        {identifiers.length === 0 ? null : <LabelSelect offered={identifiers} value={label} onValue={setLabel} />}
        <Select
          label="Format"
          isLabelHidden={identifiers.length === 0 && cuts.length === 0}
          value={format.key}
          onValue={setKey}
          options={FORMATS.map(({ key: value, label }) => ({ value, label }))}
        />
        <Button kind="primary" onClick={download} isBusy={isBusy}>
          Download
        </Button>
      </div>
      <p class="muted small command-lead">
        To download from a terminal{session.key === null ? '' : ', with your key in METAHEAC_API_KEY'}:
      </p>
      <div class="command-row">
        <pre class="command">{curl}</pre>
        <Button onClick={copy}>Copy</Button>
      </div>
    </section>
  );
}

/**
 * Returns the whole response as a Blob. Browsers keep a large Blob on disk.
 * @throws ApiError, OfflineError, ForeignAnswerError
 */
async function fetchFile(path: string, headers: Readonly<Record<string, string>>): Promise<Blob> {
  const response = await fetch(path, { headers }).catch((cause: unknown) => {
    throw new OfflineError(cause);
  });
  if (response.ok)
    return response.blob().catch((cause: unknown) => {
      throw new OfflineError(cause);
    });
  const problem: unknown = await response.json().catch(() => null);
  throw isProblem(problem) ? new ApiError(problem) : new ForeignAnswerError(response.status);
}

function fileName(name: string): string {
  return name.replace(/[^\p{L}\p{N}]+/gu, '-').replace(/^-|-$/g, '') || 'audience';
}
