/**
 * A bar chart of how often values occur in the audience compared with the population. Values can be read with pointer
 * and keyboard.
 */
import { useState } from 'preact/hooks';
import type { Explanation } from '../../api/types.ts';
import { formatCount, formatFactor, formatShare } from '../../ui/format.ts';
import { valueWords } from '../../ui/words.ts';

export type Token = Explanation['features'][number]['tokens'][number];

/** Number of doublings at which a bar is full. */
const MOST_DOUBLINGS = 3;
/** Labels of the ticks, by doublings. */
const TICKS = { '-3': '⅛×', '-2': '', '-1': '', '0': '1×', '1': '', '2': '', '3': '8×' } as const;
const DOUBLINGS = [-3, -2, -1, 0, 1, 2, 3] as const;
const STEPS: Readonly<Record<string, number>> = { ArrowDown: 1, ArrowUp: -1 };

export function TokenChart({ label, tokens }: { readonly label: string; readonly tokens: readonly Token[] }) {
  const [at, setAt] = useState<number | null>(null);
  const onKeyDown = (event: KeyboardEvent) => {
    const step = STEPS[event.key] ?? { Home: -tokens.length, End: tokens.length }[event.key];
    if (step === undefined) return;
    event.preventDefault();
    const next = Math.min(tokens.length - 1, Math.max(0, (at ?? 0) + step));
    setAt(next);
    ((event.currentTarget as HTMLElement).children[next] as HTMLElement).focus();
  };
  const read = at === null ? undefined : tokens[at];
  return (
    <>
      <Axis />
      <div
        class="tokens"
        role="listbox"
        aria-label={`${label}: frequency compared with the population`}
        onKeyDown={onKeyDown}
        onPointerLeave={({ pointerType }) => pointerType === 'mouse' && setAt(null)}
      >
        {tokens.map((token, i) => (
          <div
            key={String(token.token)}
            class="token"
            role="option"
            aria-selected={i === at}
            tabIndex={i === (at ?? 0) ? 0 : -1}
            onFocus={() => setAt(i)}
            onBlur={() => setAt(null)}
            onPointerEnter={() => setAt(i)}
            onPointerDown={() => setAt(i)}
          >
            <Bar token={token} />
          </div>
        ))}
      </div>
      <p class="token-reading small muted" aria-live="polite">
        {read === undefined ? 'Point at a bar or press the arrow keys to read a value.' : readingOf(read)}
      </p>
    </>
  );
}

/** The axis of relative frequency. Each tick is twice the previous tick. */
function Axis() {
  return (
    <div class="token token-axis muted small" aria-hidden="true">
      <span class="token-unit">Frequency compared with the population</span>
      <span class="token-scale">
        {DOUBLINGS.map((doublings) => (
          <span key={doublings} style={{ left: `${50 + (50 * doublings) / MOST_DOUBLINGS}%` }}>
            {TICKS[doublings]}
          </span>
        ))}
      </span>
    </div>
  );
}

function Bar({ token: { token, lift } }: { readonly token: Token }) {
  const doublings = Math.log2(Math.max(lift.estimate, 2 ** -MOST_DOUBLINGS));
  const width = (Math.min(MOST_DOUBLINGS, Math.abs(doublings)) / MOST_DOUBLINGS) * 50;
  return (
    <>
      <span class="token-name">{nameOf(token)}</span>
      <span class="token-bar" aria-hidden="true">
        <span class={doublings < 0 ? 'less' : 'more'} style={{ width: `${width}%` }} />
      </span>
      <span class="token-lift">{formatFactor(lift.estimate)}</span>
    </>
  );
}

function readingOf({ token, audience, population, lift }: Token): string {
  return (
    `${nameOf(token)}: ${formatFactor(lift.estimate)} as common as in the population (${formatFactor(lift.low)} to ` +
    `${formatFactor(lift.high)}). ${formatCount(audience.count)} people, ${formatShare(audience.share)} of the ` +
    `audience; ${formatShare(population.share)} of the population.`
  );
}

function nameOf(token: string | null): string {
  return token === null ? 'Unknown' : valueWords(token);
}
