/** Fills the page with sample customers if the address has `?sample=1`, and tells the user who they are. */
import type { ComponentChildren } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { useConsole } from '../../console.ts';
import { hrefOf } from '../../router.ts';
import { formatCount } from '../../ui/format.ts';
import { messageOf } from '../../ui/message.ts';
import { featureTitle } from '../../ui/words.ts';
import type { NewAudience } from './model.ts';
import { findSampleCustomers, type SampleCustomers } from './sample-customers.ts';

const SIZE = 120;

export function useSampleCustomers(audience: NewAudience): ComponentChildren {
  const { api, router } = useConsole();
  const [found, setFound] = useState<SampleCustomers | null>(null);
  const [error, setError] = useState<unknown>();
  const isWanted = router.place.value.query['sample'] === '1';
  useEffect(() => {
    if (!isWanted) return;
    // after a reload, the values that the tab has stored are used
    router.go(hrefOf(['audiences', 'new']), { replace: true });
    if (audience.seeds.state.peek().kind !== 'empty') return;
    findSampleCustomers(api, audience.population, Math.max(SIZE, 2 * audience.model.minimum_seeds)).then(
      (sample) => {
        setFound(sample);
        if (audience.values.peek().name === '') audience.change({ name: sampleName(sample) });
        const lines = sample.userIds.map((id) => `${JSON.stringify(id)}\n`);
        void audience.seeds.choose(
          { name: 'Sample customers', file: new Blob(lines), isText: true },
          { encoding: 'utf-8', separator: 'json', hasHeader: false, column: 0, fields: [], trims: false },
        );
      },
      (cause: unknown) => setError(cause),
    );
  }, [isWanted]);
  if (error !== undefined)
    return (
      <p class="note" role="alert">
        Sample customers could not be loaded: {messageOf(error)}
      </p>
    );
  if (found === null) return null;
  const { shared, userIds } = found;
  return (
    <p class="note">
      {formatCount(userIds.length)} sample customers from your population
      {shared === null ? null : (
        <>
          , who have something in common: <strong>{shared.value}</strong> ({featureTitle(shared.feature).toLowerCase()})
        </>
      )}
      . Look at the forecast, then create the audience.
    </p>
  );
}

function sampleName({ shared }: SampleCustomers): string {
  return shared === null ? 'Sample audience' : `Sample: ${shared.value}`;
}
