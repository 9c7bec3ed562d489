/** The versions of the audience: what changed from one to the next, and the way back to one. */
import { useState } from 'preact/hooks';
import { call } from '../../api/client.ts';
import type { AudienceVersion, Campaign } from '../../api/types.ts';
import { usePolled } from '../../api/use-polled.ts';
import { useConsole } from '../../console.ts';
import { Badge } from '../../ui/badge.tsx';
import { Button } from '../../ui/button.tsx';
import { Dialog } from '../../ui/dialog.tsx';
import { formatCount, formatTime } from '../../ui/format.ts';
import { Failed, Loading } from '../../ui/states.tsx';
import { Table } from '../../ui/table.tsx';

const NEWEST = 50;
const SHORT_VERSION = 7;

interface VersionsProps {
  readonly campaign: Campaign;
  readonly onChange: () => void;
}

export function Versions({ campaign, onChange }: VersionsProps) {
  const { api, session } = useConsole();
  const { id, audience_version: active } = campaign;
  const params = { path: { id }, query: { limit: NEWEST } };
  const { data, error, refresh } = usePolled(
    (signal) => call(api.GET('/v1/campaigns/{id}/audiences', { params, signal })),
    { key: `${id} ${active}`, everyMs: () => null },
  );
  const [target, setTarget] = useState<AudienceVersion | null>(null);
  if (data === undefined) return error === undefined ? <Loading /> : <Failed error={error} onRetry={refresh} />;
  const may = session.may('write');
  return (
    <>
      <Table
        caption="Versions, newest first"
        rows={data.items}
        rowKey={({ version }) => String(version)}
        columns={[
          {
            key: 'version',
            title: 'Version',
            cell: ({ version, active: isActive }) => (
              <>
                {version} {isActive ? <Badge tone="good">Served</Badge> : null}
              </>
            ),
          },
          { key: 'size', title: 'People', isNumber: true, cell: ({ size }) => formatCount(size) },
          {
            key: 'population',
            title: 'Population',
            cell: ({ population_version: version }) => <span class="mono">{version.slice(0, SHORT_VERSION)}</span>,
          },
          { key: 'made', title: 'Made', cell: ({ created_at: at }) => formatTime(at) },
          {
            key: 'change',
            title: 'Beside the served one',
            cell: (each) =>
              each.active || active === null ? (
                <span class="muted none">–</span>
              ) : (
                <Change id={id} {...{ active }} version={each.version} />
              ),
          },
          {
            key: 'do',
            title: 'Change',
            cell: (each) =>
              each.active || !may ? (
                <span class="none" />
              ) : (
                <Button onClick={() => setTarget(each)}>Serve version {each.version}</Button>
              ),
          },
        ]}
      />
      <Confirm id={id} target={target} onClose={() => setTarget(null)} onChange={onChange} />
    </>
  );
}

/** How many people would come and go. */
function Change({ id, active, version }: { readonly id: string; readonly active: number; readonly version: number }) {
  const { api } = useConsole();
  const params = { path: { id, from: active, to: version } };
  const { data } = usePolled(
    (signal) => call(api.GET('/v1/campaigns/{id}/audiences/{from}/diff/{to}', { params, signal })),
    { key: `${id} ${active} ${version}`, everyMs: () => null },
  );
  if (data === undefined) return <span class="muted none">–</span>;
  if (data.added === 0 && data.removed === 0) return <span class="muted">the same people</span>;
  return (
    <span>
      +{formatCount(data.added)}, −{formatCount(data.removed)}
    </span>
  );
}

interface ConfirmProps {
  readonly id: string;
  readonly target: AudienceVersion | null;
  readonly onClose: () => void;
  readonly onChange: () => void;
}

function Confirm({ id, target, onClose, onChange }: ConfirmProps) {
  const { api, toasts } = useConsole();
  const [isBusy, setBusy] = useState(false);
  const activate = async () => {
    if (target === null) return;
    setBusy(true);
    try {
      const { version } = target;
      await call(api.PUT('/v1/campaigns/{id}/audience', { params: { path: { id } }, body: { version } }));
      toasts.say(`Version ${version} is served now.`);
      onClose();
      onChange();
    } catch (error) {
      toasts.say(error instanceof Error ? error.message : String(error), 'bad');
    } finally {
      setBusy(false);
    }
  };
  return (
    <Dialog
      title={`Serve version ${target?.version}?`}
      isOpen={target !== null}
      onClose={onClose}
      actions={
        <>
          <Button onClick={onClose}>Keep the current one</Button>
          <Button kind="primary" onClick={activate} isBusy={isBusy}>
            Serve it
          </Button>
        </>
      }
    >
      <p>
        Look-ups and downloads get its {formatCount(target?.size ?? 0)} people at once. You can go back at any time.
      </p>
    </Dialog>
  );
}
