/** Explains why an attempt produced no audience, and offers actions. */
import type { Campaign } from '../../api/types.ts';
import { useConsole } from '../../console.ts';
import { hrefOf } from '../../router.ts';
import { ButtonLink } from '../../ui/button.tsx';
import { formatCount } from '../../ui/format.ts';
import { Empty } from '../../ui/states.tsx';
import { isDraft, reasonOf, wordOf } from '../audiences/words.ts';
import { AddCustomers } from './add-customers.tsx';
import { Rebuild } from './rebuild.tsx';

interface OutcomeProps {
  readonly campaign: Campaign;
  readonly onChange: () => void;
}

type Way = 'add' | 'again' | 'new' | 'continue';

const UNFIT = {
  text:
    'The special category or the four-fifths rule no longer fits the population. Change it under Edit and rebuild the ' +
    'audience, or duplicate the audience and change its filters.',
  ways: ['again'],
} as const;

/**
 * Advice and actions by the state of the campaign or, if the state is not specific enough, by the code of the reason.
 */
const ADVICE: Readonly<Record<string, { readonly text: string; readonly ways: readonly Way[] }>> = {
  none: {
    text: 'Add the IDs of some of your customers. The audience is built from people like them.',
    ways: ['add', 'continue'],
  },
  draft: {
    text: 'This draft is not finished. Its customers are already uploaded. Continue or delete the draft.',
    ways: ['continue'],
  },
  too_small: {
    text: 'Add customers who are in your population, or start again with another list.',
    ways: ['add', 'new'],
  },
  no_candidates: {
    text: 'Nobody is eligible. Loosen the filters, or shorten the suppression list.',
    ways: ['new'],
  },
  unlabelled_category: UNFIT,
  excluded_filter: UNFIT,
  unknown_feature: UNFIT,
  cancelled: {
    text: 'The build was cancelled before the audience was ready. You can rebuild the audience at any time.',
    ways: ['again'],
  },
  failed: {
    text: 'Rebuild the audience. If the build fails again, send the ID below to whoever runs the service.',
    ways: ['again'],
  },
  superseded: { text: 'A newer build replaced this build.', ways: [] },
};

/** Renders nothing if the attempt produced an audience. */
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
          {formatCount(seeds.known)} of your {formatCount(seeds.received)} IDs are in the population.
          {unknown.length > 0 ? ` Unknown IDs include ${unknown.slice(0, EXAMPLES).join(', ')}.` : null}
        </p>
      ) : null}
      {state === 'failed' ? (
        <p class="muted small">
          Expansion <span class="mono">{expansion}</span>
        </p>
      ) : null}
      {version === null ? null : <p class="muted">The audience below was built earlier and is still in use.</p>}
    </Empty>
  );
}

/** Maximum number of unknown ids that are shown. */
const EXAMPLES = 3;

function WayOut({ way, campaign, onChange }: OutcomeProps & { readonly way: Way }) {
  const { id } = campaign;
  if (way === 'add') return <AddCustomers id={id} onChange={onChange} />;
  if (way === 'continue')
    return (
      <ButtonLink kind={isDraft(campaign) ? 'primary' : 'plain'} href={hrefOf(['audiences', 'new'], { draft: id })}>
        Continue
      </ButtonLink>
    );
  if (way === 'new') return <ButtonLink href={hrefOf(['audiences', 'new'])}>Start with another list</ButtonLink>;
  return <Rebuild id={id} onChange={onChange} kind="primary" />;
}
