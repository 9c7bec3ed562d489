/** A few numbers side by side, each with a name and an optional explanation. */
import type { ComponentChildren } from 'preact';
import './facts.css';

export interface Fact {
  readonly name: string;
  readonly value: ComponentChildren;
  readonly note?: ComponentChildren;
}

export function Facts({ facts }: { readonly facts: readonly Fact[] }) {
  return (
    <dl class="facts">
      {facts.map(({ name, value, note }) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
          {note ? <dd class="fact-note">{note}</dd> : null}
        </div>
      ))}
    </dl>
  );
}

/** A part of a page under a heading. */
export function Section({
  title,
  lead,
  children,
}: {
  readonly title: string;
  readonly lead?: ComponentChildren;
  readonly children: ComponentChildren;
}) {
  return (
    <section class="section" aria-label={title}>
      <h2>{title}</h2>
      {lead ? <p class="muted small">{lead}</p> : null}
      {children}
    </section>
  );
}
