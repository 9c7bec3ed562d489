/** The page of model versions, with the quality of the version in use and the latest check. */
import { useState } from 'preact/hooks';
import { call } from '../../api/client.ts';
import type { ModelVersion } from '../../api/types.ts';
import { usePolled } from '../../api/use-polled.ts';
import { useConsole } from '../../console.ts';
import { Confirm } from '../../ui/confirm.tsx';
import { Section } from '../../ui/facts.tsx';
import { Page } from '../../ui/page.tsx';
import { Empty, Failed, Loading } from '../../ui/states.tsx';
import { Table } from '../../ui/table.tsx';
import { Check } from './check.tsx';
import { type Act, columnsOf } from './columns.tsx';
import { Current } from './current.tsx';
import { type Models as Loaded, loadModels } from './load.ts';

/** Polling intervals while a version is being checked, and while none is. */
const LIVE_MS = 700;
const CALM_MS = 3_000;

export function Models() {
  const { api } = useConsole();
  const { data, error, refresh } = usePolled((signal) => loadModels(api, signal), {
    key: 'models',
    everyMs: (loaded) => (loaded?.versions.some(isChecking) ? LIVE_MS : CALM_MS),
  });
  return (
    <Page title="Models" lead="A model learns from past campaigns which people are alike.">
      {data !== undefined ? (
        <Body loaded={data} onChange={refresh} />
      ) : error !== undefined ? (
        <Failed error={error} onRetry={refresh} />
      ) : (
        <Loading />
      )}
    </Page>
  );
}

const isChecking = ({ check }: ModelVersion) => check?.state === 'checking';

interface BodyProps {
  readonly loaded: Loaded;
  readonly onChange: () => void;
}

function Body({ loaded: { versions, current }, onChange }: BodyProps) {
  const { session, router, time } = useConsole();
  const [asked, setAsked] = useState<Act | null>(null);
  if (versions.length === 0) return <Empty title="No models yet" />;
  const chosen = router.place.value.query['version'];
  // a version that is being checked is shown first
  const checked =
    versions.find(({ version }) => version === chosen) ??
    versions.find(isChecking) ??
    newestCheck(versions) ??
    versions[0]!;
  const mayAct = session.may('admin') && !versions.some(isChecking);
  return (
    <>
      <Section title="Versions">
        <Table
          caption="Model versions: the version in use first, then newest first"
          columns={columnsOf(mayAct && versions.length > 1 ? setAsked : null, time.now())}
          rows={versions}
          rowKey={({ version }) => version}
        />
      </Section>
      <Check key={checked.version} model={checked} />
      <Current model={current} />
      <Ask act={asked} onClose={() => setAsked(null)} onDone={onChange} />
    </>
  );
}

/** Returns the version whose check began last. */
function newestCheck(versions: readonly ModelVersion[]): ModelVersion | undefined {
  const began = ({ check }: ModelVersion) => check?.started_at ?? '';
  return versions.filter(({ check }) => check !== null).sort((a, b) => began(b).localeCompare(began(a)))[0];
}

interface AskProps {
  readonly act: Act | null;
  readonly onClose: () => void;
  readonly onDone: () => void;
}

function Ask({ act, onClose, onDone }: AskProps) {
  const { api, router, toasts } = useConsole();
  const isRollback = act?.kind === 'rollback';
  const confirm = async () => {
    const params = { params: { path: { version: act!.version } } };
    const begun = await call(
      isRollback
        ? api.POST('/v1/models/{version}/rollback', params)
        : api.POST('/v1/models/{version}/activate', params),
    );
    router.go(`#/models?version=${begun.version}`, { replace: true });
    toasts.say(`Model ${begun.version} is being checked.`);
    onDone();
  };
  return (
    <Confirm
      title={isRollback ? 'Roll back to the previous model?' : `Use model ${act?.version ?? ''}?`}
      isOpen={act !== null}
      action={isRollback ? 'Roll back' : 'Check and use'}
      onConfirm={confirm}
      onClose={onClose}
    >
      {isRollback ? (
        <p>
          The model that was in use before <span class="mono">{act?.version}</span> is loaded, verified and used again,
          without a comparison.
        </p>
      ) : (
        <p>
          This model is first verified, and compared with the model in use on the newest audiences. If the model does
          not pass, nothing changes, and this page says why.
        </p>
      )}
      <p class="muted small">Existing audiences stay as they are. Later builds use this model.</p>
    </Confirm>
  );
}
