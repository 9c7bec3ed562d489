// The pages of the site: where each Markdown file of the repository appears, and where its links lead.
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { posix } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const { repository } = JSON.parse(readFileSync(`${ROOT}package.json`, 'utf8'));
export const REPOSITORY = repository.url.replaceAll(/^git\+|\.git$/g, '');

const INDEX = 'docs/README.md';
/** Pages outside docs/ by the paths of their files. */
const OUTSIDE = {
  'README.md': 'index.md',
  'CHANGELOG.md': 'changelog.md',
  'CONTRIBUTING.md': 'contributing.md',
  'SECURITY.md': 'security.md',
  'console/README.md': 'console.md',
  'deploy/README.md': 'deploy.md',
  'docker/README.md': 'docker.md',
  'examples/README.md': 'examples.md',
  'packages/client/README.md': 'client.md',
  'packages/client-python/README.md': 'client-python.md',
  'packages/onnx-grad/README.md': 'onnx-grad-package.md',
};

/** The page of each file. */
export const PAGES = new Map([
  ...Object.entries(OUTSIDE),
  ...readdirSync(`${ROOT}docs`)
    .filter((name) => name.endsWith('.md'))
    .map((name) => [`docs/${name}`, name === 'README.md' ? 'contents.md' : name]),
]);
const FILES = new Map([...PAGES].map(([file, page]) => [page, file]));

/** Where a link or image `target` of a page leads: to a page or an image of the site, or to the repository. */
export function resolveTarget(page, target, commit = 'main') {
  const file = FILES.get(page);
  if (file === undefined || /^([a-z]+:|#|\/)/.test(target)) return target;
  const [relative = '', anchor] = target.split('#');
  const path = posix.join(posix.dirname(file), relative).replace(/\/$/, '');
  const suffix = anchor === undefined ? '' : `#${anchor}`;
  if (PAGES.has(path)) return `/${PAGES.get(path)}${suffix}`;
  if (path === 'openapi.yaml') return '/reference/index.md';
  if (/\.(png|svg)$/.test(path)) return `/${posix.relative('docs', path)}`;
  if (!existsSync(ROOT + path)) throw new Error(`${file} links to ${target}, which does not exist`);
  const kind = statSync(ROOT + path).isDirectory() ? 'tree' : 'blob';
  return `${REPOSITORY}/${kind}/${commit}/${path}${suffix}`;
}

/** The groups of docs/README.md: its headings, and the pages of their tables. */
export function readGroups() {
  const [, ...sections] = readFileSync(ROOT + INDEX, 'utf8').split(/^## /m);
  return sections.map((section) => ({
    text: section.split('\n', 1)[0],
    items: [...section.matchAll(/^\| \[(.+?)\]\((.+?)\)/gm)].map(([, text, target]) => ({
      text,
      link: resolveTarget(PAGES.get(INDEX), target).replace(/(index)?\.md$/, ''),
    })),
  }));
}

/** The home page: the first part of README.md below a banner with its title and its first sentence. */
export function homePage() {
  const readme = readFileSync(`${ROOT}README.md`, 'utf8').split(/^## Documentation$/m, 1)[0];
  const [, title, pitch, rest] = /^# (.+)\n\n([^.]+)\. ([\s\S]+)$/.exec(readme);
  const hero = {
    name: title,
    text: pitch.replaceAll('\n', ' '),
    actions: [
      { theme: 'brand', text: 'Tutorial', link: '/tutorial' },
      { theme: 'alt', text: 'Why metaheac?', link: '/why' },
      { theme: 'alt', text: 'API reference', link: '/reference/' },
    ],
  };
  return `---\n${JSON.stringify({ layout: 'front-page', sidebar: false, title: pitch.replaceAll('\n', ' '), hero })}\n---\n\n${rest}`;
}
