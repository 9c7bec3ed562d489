/** What is done with the audience: a file, the same by curl, and what has come back of it. */
import { useState } from 'preact/hooks';
import { call } from '../../api/client.ts';
import { ForeignAnswerError } from '../../api/errors.ts';
import type { Campaign } from '../../api/types.ts';
import { usePolled } from '../../api/use-polled.ts';
import { useConsole } from '../../console.ts';
import { Button } from '../../ui/button.tsx';
import { formatCount, formatFactor, formatShare } from '../../ui/format.ts';
import { Deliveries } from './deliveries.tsx';

export function Use({ campaign }: { readonly campaign: Campaign }) {
  return (
    <div class="stack">
      <Export campaign={campaign} />
      <Feedback campaign={campaign} />
      <Deliveries campaign={campaign} />
    </div>
  );
}

function Export({ campaign: { id, name, size } }: { readonly campaign: Campaign }) {
  const { page, session, toasts, connection } = useConsole();
  const [isBusy, setBusy] = useState(false);
  const path = `/v1/campaigns/${id}/audience`;
  const download = async () => {
    setBusy(true);
    try {
      const headers = {
        accept: 'text/csv',
        ...(session.key === null ? {} : { authorization: `Bearer ${session.key}` }),
      };
      const response = await fetch(path, { headers });
      if (!response.ok) throw new ForeignAnswerError(response.status);
      save(page, await response.blob(), `${fileName(name)}.csv`);
    } catch (error) {
      if (error instanceof TypeError) connection.lost();
      toasts.say(error instanceof Error ? error.message : String(error), 'bad');
    } finally {
      setBusy(false);
    }
  };
  const key = session.key === null ? '' : `-H "authorization: Bearer $METAHEAC_API_KEY" `;
  const curl = `curl -H 'accept: text/csv' ${key}'${page.location.origin}${path}' > ${fileName(name)}.csv`;
  const copy = async () => {
    await page.navigator.clipboard.writeText(curl);
    toasts.say('The command is in the clipboard.');
  };
  return (
    <section class="panel" aria-label="Download">
      <h2>Download</h2>
      <p class="muted">
        {formatCount(size ?? 0)} people as CSV: rank, id, score and percentile, best first. The command does the same.
      </p>
      <div class="actions">
        <Button kind="primary" onClick={download} isBusy={isBusy}>
          Download CSV
        </Button>
        <Button onClick={copy}>Copy the command</Button>
      </div>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard */}
      <pre class="command" tabIndex={0}>
        {curl}
      </pre>
    </section>
  );
}

function save(page: Window, blob: Blob, name: string): void {
  const url = URL.createObjectURL(blob);
  const link = page.document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  // the browser has taken it by then
  page.setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

function fileName(name: string): string {
  return name.replace(/[^\p{L}\p{N}]+/gu, '-').replace(/^-|-$/g, '') || 'audience';
}

/** What people did so far, beside what was expected of the audience. */
function Feedback({ campaign }: { readonly campaign: Campaign }) {
  const { api } = useConsole();
  const { id, quality, size, candidates } = campaign;
  const { data } = usePolled(
    (signal) => call(api.GET('/v1/campaigns/{id}/feedback', { params: { path: { id } }, signal })),
    {
      key: `${id} ${campaign.audience_version}`,
      everyMs: 10_000,
    },
  );
  const prediction = quality?.prediction;
  if (data === undefined) return null;
  const { users, responders } = data;
  const share = size !== null && candidates ? size / candidates : null;
  const nearest = Object.keys(prediction?.recall ?? {}).sort(
    (a, b) => Math.abs(Number(a) - (share ?? 0)) - Math.abs(Number(b) - (share ?? 0)),
  )[0];
  const expected = nearest === undefined ? undefined : prediction?.recall[nearest];
  return (
    <section class="panel" aria-label="What came back">
      <h2>What came back</h2>
      {users.conversion + users.click + users.dismissal === 0 ? (
        <p class="muted">Nothing yet. Conversions, clicks and dismissals that are reported appear here.</p>
      ) : (
        <dl class="expected">
          <div>
            <dt>Conversions</dt>
            <dd>{formatCount(users.conversion)}</dd>
          </div>
          <div>
            <dt>Clicks</dt>
            <dd>{formatCount(users.click)}</dd>
          </div>
          <div>
            <dt>Dismissals</dt>
            <dd>{formatCount(users.dismissal)}</dd>
          </div>
          {responders.ranked > 0 ? (
            <div>
              <dt>Of those who responded, in the audience</dt>
              <dd>{formatShare(responders.members / responders.ranked)}</dd>
              <dd class="muted small">
                {formatCount(responders.members)} of {formatCount(responders.ranked)}
                {expected === undefined
                  ? null
                  : `; expected ${formatShare(expected.mean)} (${formatShare(expected.low)} to ${formatShare(expected.high)})`}
                {share === null ? null : `; ${formatFactor(responders.members / responders.ranked / share)} random`}
              </dd>
            </div>
          ) : null}
        </dl>
      )}
    </section>
  );
}
