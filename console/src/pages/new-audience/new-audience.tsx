/** The page that creates an audience. */
import { useEffect, useRef, useState } from 'preact/hooks';
import { call } from '../../api/client.ts';
import type { CurrentModel, CurrentPopulation } from '../../api/types.ts';
import { usePolled } from '../../api/use-polled.ts';
import { useConsole } from '../../console.ts';
import { hrefOf } from '../../router.ts';
import { Page } from '../../ui/page.tsx';
import { Failed, Loading } from '../../ui/states.tsx';
import { Form } from './form.tsx';
import { loadCopy, loadDraft } from './load-values.ts';
import { createNewAudience, type NewAudience as Model } from './model.ts';
import type { Values } from './values.ts';
import './new-audience.css';

interface Known {
  readonly model: CurrentModel;
  readonly population: CurrentPopulation;
  readonly begun: Values | null;
  /** Id of a former draft that is an audience now; null if the campaign is still a draft. */
  readonly made: string | null;
}

/** Interval at which the page checks for another population. */
const EVERY_MS = 5_000;

interface Asked {
  /** Id of the draft to continue or of the audience to copy. */
  readonly draft: string | null;
  readonly from: string | null;
}

export function NewAudience() {
  const { draft = null, from = null } = useConsole().router.place.value.query;
  const asked = useRef<Asked>({ draft, from });
  // the query is removed once the draft or copy has been loaded
  if (draft !== null || from !== null) asked.current = { draft, from };
  return <Begin key={JSON.stringify(asked.current)} {...asked.current} />;
}

function Begin({ draft, from }: Asked) {
  const { api } = useConsole();
  const begun = useRef<Values | null>(null);
  const isLoaded = useRef(draft === null && from === null);
  const { data, error, refresh } = usePolled(
    async (signal): Promise<Known> => {
      const [model, population] = await Promise.all([
        call(api.GET('/v1/models/current', { signal })),
        call(api.GET('/v1/populations/current', { signal })),
      ]);
      if (!isLoaded.current && draft !== null) begun.current = await loadDraft(api, draft, signal);
      if (!isLoaded.current && from !== null) begun.current = await loadCopy(api, from, signal);
      isLoaded.current = true;
      return { model, population, begun: begun.current, made: begun.current === null ? draft : null };
    },
    { key: 'known', everyMs: EVERY_MS },
  );
  return (
    <Page title="New audience" lead="Add your customers. The people most like them become the audience.">
      {data !== undefined ? (
        <Ready known={data} />
      ) : error !== undefined ? (
        <Failed error={error} onRetry={refresh} />
      ) : (
        <Loading lines={10} />
      )}
    </Page>
  );
}

/** The form. The input stays when the model or the population is loaded again, and a new population is used at once. */
function Ready({ known }: { readonly known: Known }) {
  const all = useConsole();
  const [audience, setAudience] = useState<Model | null>(null);
  useEffect(() => {
    const state = all.session.state.peek();
    if (state.kind !== 'in') return;
    if (known.made !== null) return all.router.go(hrefOf(['audiences', known.made]), { replace: true });
    const made = createNewAudience({ console: all, caller: state.caller, ...known });
    // after a reload, the values that the tab has stored are used
    if (known.begun !== null) all.router.go(hrefOf(['audiences', 'new']), { replace: true });
    setAudience(made);
    return made.close;
  }, []);
  useEffect(() => audience?.follow(known.population), [audience, known.population.version]);
  return audience === null ? <Loading lines={10} /> : <Form audience={audience} />;
}
