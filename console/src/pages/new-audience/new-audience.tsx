/** A new audience: the customers it is made from, what it is for, who may be in it, and how large it is. */
import { useEffect, useState } from 'preact/hooks';
import { call } from '../../api/client.ts';
import type { CurrentModel, CurrentPopulation } from '../../api/types.ts';
import { usePolled } from '../../api/use-polled.ts';
import { useConsole } from '../../console.ts';
import { Page } from '../../ui/page.tsx';
import { Failed, Loading } from '../../ui/states.tsx';
import { Form } from './form.tsx';
import { createNewAudience, type NewAudience as Model } from './model.ts';
import './new-audience.css';

interface Known {
  readonly model: CurrentModel;
  readonly population: CurrentPopulation;
}

export function NewAudience() {
  const { api } = useConsole();
  const { data, error, refresh } = usePolled(
    async (signal): Promise<Known> => {
      const [model, population] = await Promise.all([
        call(api.GET('/v1/models/current', { signal })),
        call(api.GET('/v1/populations/current', { signal })),
      ]);
      return { model, population };
    },
    { key: 'known', everyMs: () => null },
  );
  return (
    <Page title="New audience" lead="Bring your customers; the people most like them become the audience.">
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

/** What is entered stays when the model or the population is asked for again. */
function Ready({ known }: { readonly known: Known }) {
  const all = useConsole();
  const [audience, setAudience] = useState<Model | null>(null);
  useEffect(() => {
    const state = all.session.state.peek();
    if (state.kind !== 'in') return;
    const made = createNewAudience({ console: all, caller: state.caller, ...known });
    setAudience(made);
    return made.close;
  }, []);
  return audience === null ? <Loading lines={10} /> : <Form audience={audience} />;
}
