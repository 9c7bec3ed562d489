/** A view that is loaded when it is first shown: what it needs does not delay the first page. */
import type { ComponentType } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { Failed, Loading } from './states.tsx';

/** `lazy(() => import('./pages/x/x.tsx').then(({ X }) => X))`: a component like any other. */
export function lazy(load: () => Promise<ComponentType>): ComponentType {
  let loaded: ComponentType | null = null;
  return function Lazy() {
    const [View, setView] = useState<ComponentType | null>(() => loaded);
    const [error, setError] = useState<unknown>();
    const [attempt, setAttempt] = useState(0);
    // another attempt loads again
    useEffect(() => {
      if (View !== null) return;
      load().then(
        (view) => {
          loaded = view;
          setView(() => view);
        },
        (cause: unknown) => setError(cause),
      );
    }, [attempt]);
    if (View !== null) return <View />;
    return error === undefined ? <Loading /> : <Failed error={error} onRetry={() => setAttempt(attempt + 1)} />;
  };
}
