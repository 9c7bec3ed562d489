/** The frame of a page with title and actions. The title is also shown in the browser tab. */
import type { ComponentChildren } from 'preact';
import { useEffect } from 'preact/hooks';
import { useConsole } from '../console.ts';

interface PageProps {
  readonly title: string;
  /** Below the title. */
  readonly lead?: ComponentChildren;
  readonly actions?: ComponentChildren;
  readonly children: ComponentChildren;
}

export function Page({ title, lead, actions, children }: PageProps) {
  const { page } = useConsole();
  useEffect(() => {
    page.document.title = `${title} - metaheac`;
  }, [page, title]);
  return (
    <>
      <header class="page-head">
        <div>
          <h1>{title}</h1>
          {lead ? <p class="lead">{lead}</p> : null}
        </div>
        {actions ? <div class="actions">{actions}</div> : null}
      </header>
      {children}
    </>
  );
}
