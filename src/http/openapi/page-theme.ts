/**
 * Style of the page that shows the OpenAPI document: the project's name, and the light and dark colours of the console.
 */
import type { FastifySwaggerUiOptions } from '@fastify/swagger-ui';

const ICON =
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><title>metaheac</title>' +
  '<rect width="32" height="32" rx="7" fill="#3350c4"/><g fill="#fff"><circle cx="11" cy="12" r="4"/>' +
  '<circle cx="21" cy="12" r="4" opacity=".6"/><circle cx="16" cy="21" r="4" opacity=".8"/></g></svg>';

const STYLE = `
:root { --canvas: #fff; --surface: #f7f7f5; --ink: #1d1d1b; --muted: #60605a; --line: #e5e5e0; --accent: #3350c4;
  --on-accent: #fff; --bad: #b3261e; }
html.dark-mode {
  --canvas: #141413; --surface: #1b1b1a; --ink: #ededea; --muted: #a5a59d; --line: #30302d; --accent: #9db0ff;
  --on-accent: #10152c; --bad: #ff9d95;
  color-scheme: dark;
}
html, body, html.dark-mode, html.dark-mode .swagger-ui { background: var(--canvas); color: var(--ink); }
body, .swagger-ui, .swagger-ui .info .title, .swagger-ui .opblock-tag, .swagger-ui .opblock .opblock-summary-description,
.swagger-ui .btn, .swagger-ui select { font-family: system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
.swagger-ui .topbar { display: none; }
.swagger-ui .scheme-container, html.dark-mode .swagger-ui .scheme-container {
  background: var(--surface); border-block: 1px solid var(--line); box-shadow: none;
}
.swagger-ui .info { margin: 32px 0; }
.swagger-ui .info .title, .swagger-ui .opblock-tag { color: var(--ink); letter-spacing: -0.01em; }
.swagger-ui .opblock, .swagger-ui .opblock .opblock-section-header { box-shadow: none; }
:root .swagger-ui .info a, :root .swagger-ui .info a:visited { color: var(--accent); }
.swagger-ui .info p { line-height: 1.8; }
:root .swagger-ui .btn.authorize { border-color: var(--accent); color: var(--accent); }
:root .swagger-ui .btn.authorize svg, :root .swagger-ui .btn.authorize span { fill: var(--accent); color: var(--accent); }
:root .swagger-ui .json-schema-2020-12-expand-deep-button { background: none; color: var(--muted); }
html:not(.dark-mode) .swagger-ui .info .title small { background: #5c6370; }
html:not(.dark-mode) .swagger-ui .info .title small.version-stamp { background: #4a6800; }
html:not(.dark-mode) .swagger-ui .opblock-post .opblock-summary-method { background: #1b6b3c; }
html:not(.dark-mode) .swagger-ui .opblock-get .opblock-summary-method { background: #3350c4; }
html:not(.dark-mode) .swagger-ui .opblock-put .opblock-summary-method { background: #805200; }
html:not(.dark-mode) .swagger-ui .opblock-patch .opblock-summary-method { background: #0f6b62; }
html:not(.dark-mode) .swagger-ui .opblock-delete .opblock-summary-method { background: #b3261e; }
:root .swagger-ui .parameter__in, :root .swagger-ui .parameter__deprecated { color: var(--muted); }
:root .swagger-ui .headers td, :root .swagger-ui .headers th { color: var(--ink); }
:root .swagger-ui .markdown code, :root .swagger-ui .renderedMarkdown code, :root .swagger-ui .info code {
  background: var(--surface); color: var(--ink);
}
html:root .swagger-ui .opblock .btn.btn.cancel { border-color: var(--bad); color: var(--bad); }
:root .swagger-ui .btn.btn.execute { border-color: var(--accent); background: var(--accent); color: var(--on-accent); }
:root .swagger-ui .microlight span[style*="211, 99, 99"] { color: #ff9d95 !important; }
.swagger-ui .opblock-body, .swagger-ui .opblock-section { min-width: 0; overflow-wrap: anywhere; }
.project { display: flex; flex-wrap: wrap; align-items: center; gap: 8px 24px; padding: 14px 24px;
  border-bottom: 1px solid var(--line); background: var(--surface); font-size: 15px; }
.project a { color: var(--muted); text-decoration: none; }
.project a:hover { color: var(--ink); }
.project .name { display: flex; align-items: center; gap: 8px; margin-right: auto; color: var(--ink); font-weight: 650; }
.project svg { width: 22px; height: 22px; }
`;

/** Script that adds the page header, and applies the theme that was chosen in the console. */
const SCRIPT = `
(() => {
  const head = document.createElement('header');
  head.className = 'project';
  head.innerHTML = '<a class="name" href="/console/">${ICON}metaheac</a>' +
    '<a href="/console/">Console</a><a href="/docs/errors">Errors</a><a href="/openapi.json">openapi.json</a>';
  document.body.prepend(head);
  const root = document.documentElement;
  const system = matchMedia('(prefers-color-scheme: dark)');
  const apply = () => {
    const isDark = (localStorage.getItem('metaheac.theme') ?? (system.matches ? 'dark' : 'light')) === 'dark';
    if (root.classList.contains('dark-mode') !== isDark) root.classList.toggle('dark-mode', isDark);
  };
  system.addEventListener('change', apply);
  // Swagger UI sets its own theme when the page starts
  new MutationObserver(apply).observe(root, { attributeFilter: ['class'] });
  apply();
  // the page lacks labels and heading levels for screen readers, and parts of it cannot be focused with the keyboard
  const page = document.getElementById('swagger-ui');
  page.setAttribute('role', 'main');
  const change = (selector, mend) => page.querySelectorAll(selector).forEach(mend);
  const label = (selector, text) => change(selector, (element) => { element.ariaLabel = text; });
  const level = (selector, number) => change(selector, (heading) => { heading.ariaLevel = number; });
  const mend = () => {
    label('#servers', 'Servers');
    label('.close-modal', 'Close');
    label('.body-param__text', 'Request body');
    level('h3.opblock-tag, section.models > h4, .modal-ux h3', '2');
    level('.opblock h4, .modal-ux h4', '3');
    level('.opblock h5, .modal-ux h5', '4');
    // these links are removed because they are inside buttons that lead to the same place
    change('.opblock-summary-control a[href]', (link) => link.removeAttribute('href'));
    // the table wrongly declares a landmark role, and the labels hide the visible text of buttons from screen readers
    change('.responses-table[role]', (table) => table.removeAttribute('role'));
    change('.modal-btn[aria-label]', (button) => button.removeAttribute('aria-label'));
    change('pre.microlight:not([tabindex])', (example) => { example.tabIndex = 0; });
  };
  new MutationObserver(mend).observe(page, { childList: true, subtree: true });
})();
`;

export const PAGE_THEME: Pick<FastifySwaggerUiOptions, 'logo' | 'theme'> = {
  logo: { type: 'image/svg+xml', content: Buffer.from(ICON), href: '/console/', target: '_self' },
  theme: {
    title: 'metaheac API',
    favicon: [{ filename: 'icon.svg', rel: 'icon', sizes: 'any', type: 'image/svg+xml', content: Buffer.from(ICON) }],
    css: [{ filename: 'metaheac.css', content: STYLE }],
    js: [{ filename: 'metaheac.js', content: SCRIPT }],
  },
};
