// Builds the documentation site from docs/, README.md and openapi.yaml into dist/site. Links to missing pages are errors.
//   npm run site -- [--base /metaheac/] [--folder v1]
// `--base` is the path of the site on its host. `--folder` builds this version for the folder of an earlier version.
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { homePage, PAGES, ROOT } from '../docs/.vitepress/pages.mjs';
import { referencePages } from '../docs/.vitepress/reference.mjs';

const text = (value) => ({ type: 'string', default: value });
const { values } = parseArgs({ options: { base: text('/'), folder: text('') } });
// inside the repository, where Vite finds the packages
const pages = join(ROOT, 'dist/site-pages');

rmSync(pages, { recursive: true, force: true });
for (const [file, page] of PAGES)
  write(page, page === 'index.md' ? homePage() : readFileSync(join(ROOT, file), 'utf8'));
for (const [page, markdown] of referencePages()) write(page, markdown);
for (const images of ['console', 'plots'])
  cpSync(join(ROOT, 'docs', images), join(pages, 'public', images), { recursive: true });

Object.assign(process.env, {
  SITE_BASE: values.base,
  SITE_FOLDER: values.folder,
  SITE_OUT: join(ROOT, 'dist/site', values.folder),
  SITE_PAGES: pages,
});
const { build } = await import('vitepress');
await build(join(ROOT, 'docs'));

function write(page, markdown) {
  const path = join(pages, page);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, markdown);
}
