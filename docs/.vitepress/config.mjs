// The documentation site. `npm run site` (scripts/site.mjs) builds it from pages that it writes to dist/site-pages.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitepress';
import { REPOSITORY, ROOT, readGroups, resolveTarget } from './pages.mjs';
import { readReferenceItems } from './reference.mjs';

const { version, description } = JSON.parse(readFileSync(`${ROOT}package.json`, 'utf8'));
/** Folders of earlier versions, such as `v1`, which the site still has. CONTRIBUTING.md says how they are kept. */
const EARLIER = JSON.parse(readFileSync(new URL('versions.json', import.meta.url), 'utf8'));
/** What scripts/site.mjs passes: the folder of an earlier version, or '' for the current one; the site's path. */
const { SITE_FOLDER: FOLDER = '', SITE_BASE: BASE = '/', SITE_OUT: OUT, SITE_PAGES: PAGES } = process.env;

const SYNTAX_COLOURS = { light: 'github-light-high-contrast', dark: 'github-dark-high-contrast' };

/** The anchors of headings, as on GitHub, for which the pages are written. */
function slugify(heading) {
  return heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\p{M}_ -]/gu, '')
    .replaceAll(' ', '-');
}

/** Makes the links and images of the repository's pages lead to the site, and indented code look like fenced code. */
function adaptMarkdown(md) {
  const commit = FOLDER === '' ? 'main' : `v${version}`;
  md.core.ruler.push('site', ({ tokens, env }) => {
    for (const token of tokens) if (token.type === 'code_block') Object.assign(token, { type: 'fence', info: 'text' });
    for (const token of tokens.flatMap(({ children }) => children ?? [])) {
      const attribute = { link_open: 'href', image: 'src' }[token.type];
      const target = attribute && token.attrGet(attribute);
      if (target) token.attrSet(attribute, resolveTarget(env.relativePath, decodeURI(target), commit));
    }
  });
}

/**
 * Corrections of the search dialog of VitePress 1, which is a button that contains buttons, whose options contain
 * links, and whose keys have names that their role does not allow: each text of its template, with its replacement.
 */
const DIALOG = [
  ['role="button"\n', 'role="dialog" aria-modal="true"\n'],
  [`:aria-owns="results?.length ? 'localsearch-list' : undefined"\n`, ''],
  ['aria-expanded="true"\n', ''],
  ['aria-haspopup="listbox"\n', ''],
  ['aria-autocomplete="both"', 'role="combobox" :aria-expanded="!!results?.length" aria-autocomplete="list"'],
  ['<kbd :aria-label', '<kbd role="img" :aria-label'],
  ['role="option"', 'role="none"'],
  ['<a\n', '<a role="option"\n'],
  [`:id="'localsearch-item-' + index"\n`, ''],
  [`:aria-selected="selectedIndex === index ? 'true' : 'false'"\n`, ''],
  [
    `:aria-label="[...p.titles, p.title].join(' > ')"`,
    `:id="'localsearch-item-' + index" :aria-selected="selectedIndex === index"`,
  ],
];

const accessibleSearch = {
  name: 'accessible-search',
  enforce: 'pre',
  transform(code, id) {
    if (!id.endsWith('VPLocalSearchBox.vue')) return undefined;
    return DIALOG.reduce((source, [from, to]) => {
      if (!source.includes(from)) throw new Error(`VPLocalSearchBox.vue does not contain: ${from}`);
      return source.replaceAll(from, to);
    }, code);
  },
};

const groups = readGroups();
const reference = { text: 'API reference', items: readReferenceItems() };
const otherVersions =
  FOLDER === ''
    ? EARLIER.map((folder) => ({ text: folder, link: `/${folder}/`, target: '_self' }))
    : [{ text: 'latest', link: '/../', target: '_self' }];

export default defineConfig({
  title: 'metaheac',
  description,
  lang: 'en',
  base: FOLDER === '' ? BASE : `${BASE}${FOLDER}/`,
  srcDir: PAGES,
  outDir: OUT,
  cacheDir: fileURLToPath(new URL('../../node_modules/.cache/site', import.meta.url)),
  metaChunk: true,
  vite: { build: { chunkSizeWarningLimit: 1000 }, plugins: [accessibleSearch] },
  markdown: { anchor: { slugify }, config: adaptMarkdown, theme: SYNTAX_COLOURS },
  themeConfig: {
    outline: [2, 3],
    search: { provider: 'local' },
    socialLinks: [{ icon: 'github', link: REPOSITORY, ariaLabel: 'repository' }],
    nav: [
      { text: 'Documentation', link: '/contents' },
      { text: 'API', link: '/reference/', activeMatch: '/reference/' },
      { text: 'onnx-grad', link: '/onnx-grad' },
      { text: `v${version}`, items: [{ text: 'Changes', link: '/changelog' }, ...otherVersions] },
    ],
    sidebar: { '/reference/': [reference], '/': groups },
  },
});
