/** An attempt that gave no audience: why, and what to do about it. */
import { useState } from 'preact/hooks';
import { call } from '../../api/client.ts';
import type { Campaign } from '../../api/types.ts';
import { useConsole } from '../../console.ts';
import { hrefOf } from '../../router.ts';
import { Button, ButtonLink } from '../../ui/button.tsx';
import { formatCount } from '../../ui/format.ts';
import { Empty } from '../../ui/states.tsx';
import { isDraft, reasonOf, wordOf } from '../audiences/words.ts';
import { AddCustomers } from './add-customers.tsx';

interface OutcomeProps {
  readonly campaign: Campaign;
  readonly onChange: () => void;
}

type Way = 'add' | 'again' | 'new' | 'continue';

/** By state, and where that is not enough by the code of its reason: what to do, and the ways that are offered. */
const ADVICE: Readonly<Record<string, { readonly text: string; readonly ways: readonly Way[] }>> = {
  none: {
    text: 'Bring the ids of some of your customers: the audience is made of people like them.',
    ways: ['add', 'continue'],
  },
  draft: {
    text: 'It was begun and not finished. Its customers are here: go on with it, or delete it.',
    ways: ['continue'],
  },
  too_small: {
    text: 'Add customers whose ids your population has, or begin again with another list.',
    ways: ['add', 'new'],
  },
  no_candidates: {
    text: 'Nobody is left to choose from: loosen the filters, or the list of those who must not be chosen.',
    ways: ['new'],
  },
  cancelled: { text: 'It was stopped before it was ready. You can make it again at any time.', ways: ['again'] },
  failed: {
    text: 'Make it again. If it fails again, send whoever runs the service the number below.',
    ways: ['again'],
  },
  superseded: { text: 'A newer attempt took its place.', ways: [] },
};

/** Nothing where the attempt did give an audience. */
export function Outcome({ campaign, onChange }: OutcomeProps) {
  const { state, reason, seeds, audience_version: version, expansion_id: expansion } = campaign;
  const { session } = useConsole();
  if (state === 'ready' || state === 'superseded') return null;
  const advice =
    ADVICE[reason?.code ?? ''] ?? ADVICE[isDraft(campaign) ? 'draft' : (state ?? 'none')] ?? ADVICE['failed']!;
  const unknown = seeds?.unknown_examples ?? [];
  return (
    <Empty
      title={version === null ? wordOf(campaign).text : `Last update: ${wordOf(campaign).text.toLowerCase()}`}
      actions={
        session.may('write')
          ? advice.ways.map((way) => <WayOut key={way} way={way} campaign={campaign} onChange={onChange} />)
          : null
      }
    >
      {reason === null ? null : <p class="reason-text">{reasonOf(reason)}</p>}
      <p>{advice.text}</p>
      {seeds !== null && seeds.received > 0 ? (
        <p class="muted">
          {formatCount(seeds.known)} of your {formatCount(seeds.received)} ids are known.
          {unknown.length > 0 ? ` Unknown are, for example: ${unknown.slice(0, EXAMPLES).join(', ')}.` : null}
        </p>
      ) : null}
      {state === 'failed' ? (
        <p class="muted small">
          Attempt <span class="mono">{expansion}</span>
        </p>
      ) : null}
      {version === null ? null : (
        <p class="muted">The audience below is the one that was made before; it is still in use.</p>
      )}
    </Empty>
  );
}

/** Of unknown ids. */
const EXAMPLES = 3;

function WayOut({ way, campaign, onChange }: OutcomeProps & { readonly way: Way }) {
  const { api, toasts } = useConsole();
  const [isBusy, setBusy] = useState(false);
  const { id } = campaign;
  const again = async () => {
    setBusy(true);
    try {
      await call(api.POST('/v1/campaigns/{id}/expansions', { params: { path: { id } } }));
      onChange();
    } catch (error) {
      toasts.say(error instanceof Error ? error.message : String(error), 'bad');
    } finally {
      setBusy(false);
    }
  };
  if (way === 'add') return <AddCustomers id={id} onChange={onChange} />;
  if (way === 'continue')
    return (
      <ButtonLink kind={isDraft(campaign) ? 'primary' : 'plain'} href={hrefOf(['audiences', 'new'], { draft: id })}>
        Go on with it
      </ButtonLink>
    );
  if (way === 'new') return <ButtonLink href={hrefOf(['audiences', 'new'])}>Start with another list</ButtonLink>;
  return (
    <Button kind="primary" onClick={again} isBusy={isBusy}>
      Make it again
    </Button>
  );
}
