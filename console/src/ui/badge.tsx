/** A word for a state, in the state's colour; the word alone is enough to understand it. */
import type { ComponentChildren } from 'preact';

export type Tone = 'neutral' | 'busy' | 'good' | 'warn' | 'bad';

interface BadgeProps {
  readonly tone: Tone;
  readonly children: ComponentChildren;
}

export function Badge({ tone, children }: BadgeProps) {
  return <span class={`badge badge-${tone}`}>{children}</span>;
}
