/** Tells that somebody else changed the campaign while it was looked at, and what. */
import type { ComponentChildren } from 'preact';

interface ChangesNoticeProps {
  /** Sentences; with none there is nothing to tell. */
  readonly changes: readonly string[];
  /** What is to be done. */
  readonly children: ComponentChildren;
}

export function ChangesNotice({ changes, children }: ChangesNoticeProps) {
  if (changes.length === 0) return null;
  return (
    <div class="notice" role="alert">
      <strong>Someone else has changed this audience.</strong>
      <ul>
        {changes.map((change) => (
          <li key={change}>{change}</li>
        ))}
      </ul>
      <p>{children}</p>
    </div>
  );
}
