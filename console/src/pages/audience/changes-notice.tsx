/** Shows changes that another user has made to the campaign in the meantime. */
import type { ComponentChildren } from 'preact';

interface ChangesNoticeProps {
  /** One sentence per change. If there are no changes, nothing is shown. */
  readonly changes: readonly string[];
  /** Text that tells the user how to proceed. */
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
