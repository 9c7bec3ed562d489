/** The frame of every page: its title, also shown in the browser's tab, and its actions. */
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
