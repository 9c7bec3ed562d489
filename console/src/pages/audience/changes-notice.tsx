/** Says that somebody else has changed the campaign in the meantime, and lists the changes. */
import type { ComponentChildren } from 'preact';

interface ChangesNoticeProps {
  /** One sentence per change; if there are none, nothing is shown. */
  readonly changes: readonly string[];
  /** What the user can do about it. */
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
