/** A word for a state in the colour of the state. The word alone identifies the state. */
import type { ComponentChildren } from 'preact';

export type Tone = 'neutral' | 'busy' | 'good' | 'warn' | 'bad';

interface BadgeProps {
  readonly tone: Tone;
  readonly children: ComponentChildren;
}

export function Badge({ tone, children }: BadgeProps) {
  return <span class={`badge badge-${tone}`}>{children}</span>;
}
