/** Loads a view when the view is first shown, so that the view does not delay the first page. */
import type { ComponentType } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { useConsole } from '../console.ts';
import { Button } from './button.tsx';
import { Page } from './page.tsx';
import { Empty, Loading } from './states.tsx';

/** `lazy(async () => (await import('./pages/x/x.tsx')).X)`: a component like any other. */
export function lazy(load: () => Promise<ComponentType>): ComponentType {
  let loaded: ComponentType | null = null;
  return function Lazy() {
    const { connection } = useConsole();
    const [View, setView] = useState<ComponentType | null>(() => loaded);
    const [failures, setFailures] = useState(0);
    const returns = connection.returns.value;
    useEffect(() => {
      if (View !== null) return;
      load().then(
        (view) => {
          loaded = view;
          setView(() => view);
        },
        () => {
          setFailures((before) => before + 1);
          // the browser does not say why loading failed, so loading is retried when the service responds
          connection.lost();
        },
      );
    }, [returns]);
    if (View !== null) return <View />;
    return failures > 1 ? <Gone /> : <Loading />;
  };
}

/** Shown if the service responds but the file is missing, because the service has been updated. */
function Gone() {
  const { page } = useConsole();
  return (
    <Page title="The console was updated">
      <Empty
        isAlert
        title="Reload the page"
        actions={
          <Button kind="primary" onClick={() => page.location.reload()}>
            Reload
          </Button>
        }
      >
        The service has been updated since this page was opened.
      </Empty>
    </Page>
  );
}
