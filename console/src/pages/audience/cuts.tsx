/** The named cuts of an audience, with their sizes, and its overlap with another audience. */
import { useState } from 'preact/hooks';
import { call } from '../../api/client.ts';
import type { AudienceVersion } from '../../api/types.ts';
import { usePolled } from '../../api/use-polled.ts';
import { useConsole } from '../../console.ts';
import { Button } from '../../ui/button.tsx';
import { formatCount } from '../../ui/format.ts';
import { messageOf } from '../../ui/message.ts';
import { Failed, Loading } from '../../ui/states.tsx';
import { Table } from '../../ui/table.tsx';
import { CutRows } from '../cut-rows.tsx';
import { cutsFault, cutsOf, rowsOf } from '../cuts.ts';
import type { Loaded } from './load.ts';
import { Overlap } from './overlap.tsx';

interface CutsProps {
  readonly loaded: Loaded;
  readonly onChange: () => void;
}

export function Cuts({ loaded, onChange }: CutsProps) {
  const { session } = useConsole();
  const { id, audience_version: version, cuts } = loaded.campaign;
  return (
    <div class="stack">
      <section class="panel" aria-label="Cuts">
        <h2>Cuts</h2>
        <Sizes {...{ id, version }} />
        {session.may('write') ? <Editor key={JSON.stringify(cuts)} loaded={loaded} onChange={onChange} /> : null}
      </section>
      <Overlap campaign={loaded.campaign} />
    </div>
  );
}

/** The cuts of the version in use, as numbers of people. */
function Sizes({ id, version }: { readonly id: string; readonly version: number | null }) {
  const { api } = useConsole();
  const { data, error, refresh } = usePolled(
    async (signal) => {
      const page = await call(api.GET('/v1/campaigns/{id}/audiences', { params: { path: { id } }, signal }));
      return page.items.find(({ active }) => active)?.cuts ?? [];
    },
    { key: `${id} ${version}`, everyMs: () => null, keepsLast: true },
  );
  if (data === undefined)
    return error === undefined ? <Loading lines={2} /> : <Failed error={error} onRetry={refresh} />;
  return data.length === 0 ? <p class="muted">This audience has no cuts.</p> : <SizeTable cuts={data} />;
}

function SizeTable({ cuts }: Pick<AudienceVersion, 'cuts'>) {
  return (
    <Table
      caption="Cuts of the audience"
      rows={cuts}
      rowKey={({ name }) => name}
      columns={[
        { key: 'name', title: 'Cut', cell: ({ name }) => name },
        { key: 'from', title: 'After rank', isNumber: true, cell: ({ from_size: from }) => formatCount(from) },
        { key: 'to', title: 'To rank', isNumber: true, cell: ({ to_size: to }) => formatCount(to) },
        { key: 'size', title: 'People', isNumber: true, cell: ({ size }) => formatCount(size) },
      ]}
    />
  );
}

function Editor({ loaded: { campaign, etag }, onChange }: CutsProps) {
  const { api, toasts } = useConsole();
  const [rows, setRows] = useState(() => rowsOf(campaign.cuts));
  const [isTried, setIsTried] = useState(false);
  const [isBusy, setBusy] = useState(false);
  const fault = cutsFault(rows);
  const save = async () => {
    setIsTried(true);
    if (fault !== undefined) return;
    setBusy(true);
    try {
      const params = { path: { id: campaign.id }, header: { 'if-match': etag } };
      await call(api.PATCH('/v1/campaigns/{id}', { params, body: { cuts: cutsOf(rows) } }));
      toasts.say('Saved. The cuts are in use.');
    } catch (error) {
      toasts.say(messageOf(error), 'bad');
    } finally {
      setBusy(false);
      onChange();
    }
  };
  const isSame = JSON.stringify(cutsOf(rows)) === JSON.stringify(campaign.cuts);
  return (
    <details class="cuts-edit">
      <summary>Change the cuts</summary>
      <CutRows rows={rows} onRows={setRows} error={isTried ? fault : undefined} />
      <div class="actions">
        <Button kind="primary" onClick={save} isBusy={isBusy} disabled={isSame}>
          Save cuts
        </Button>
      </div>
    </details>
  );
}
