// Rewrites links of the pages in the tarball: links to files that are not shipped lead to the repository. `npm pack`
// packs the tree as it is, so the pages are changed before it (`prepack`) and restored after it (`postpack`).
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, posix } from 'node:path';

/** The folder with the original pages. */
const KEPT = '.pack';

/** Returns the text of a page with relative links to shipped files only; others lead to `base`. `shipped`: paths. */
function withOutsideLinks(page, text, shipped, base) {
  const isShipped = (path) => shipped.some((file) => file === path || file.startsWith(`${path}/`));
  return text.replace(/(\]\()([^)\s]+)(\))/g, (whole, open, target, close) => {
    if (/^([a-z]+:|#)/.test(target)) return whole;
    const [file, ...anchor] = target.split('#');
    const path = posix.normalize(posix.join(posix.dirname(page), file)).replace(/\/$/, '');
    return isShipped(path) ? whole : `${open}${[`${base}/${path}`, ...anchor].join('#')}${close}`;
  });
}

/** Rewrites the shipped pages in the tree. */
export function changePages(root, shipped, base) {
  restorePages(root);
  mkdirSync(join(root, KEPT));
  const pages = shipped.filter((path) => path.endsWith('.md') && !path.startsWith('dist/'));
  // before the first is moved
  writeFileSync(join(root, KEPT, 'pages.json'), JSON.stringify(pages));
  for (const page of pages) {
    const text = readFileSync(join(root, page), 'utf8');
    const changed = withOutsideLinks(page, text, shipped, base);
    if (changed === text) continue;
    mkdirSync(dirname(join(root, KEPT, page)), { recursive: true });
    renameSync(join(root, page), join(root, KEPT, page));
    writeFileSync(join(root, page), changed);
  }
}

/** Restores the pages, also after an interrupted packing. */
export function restorePages(root) {
  const list = join(root, KEPT, 'pages.json');
  const pages = existsSync(list) ? JSON.parse(readFileSync(list, 'utf8')) : [];
  for (const page of pages)
    if (existsSync(join(root, KEPT, page))) renameSync(join(root, KEPT, page), join(root, page));
  rmSync(join(root, KEPT), { recursive: true, force: true });
}
