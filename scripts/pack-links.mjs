// Links of the pages in the tarball: a page that is not shipped is linked to in the repository. `npm pack` packs the
// tree as it is, so the pages are changed before (`prepack`) and restored after it (`postpack`).
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, posix } from 'node:path';

/** Where the pages wait, as they were. */
const KEPT = '.pack';

/** The text of a page whose relative links lead to shipped files, or to `base`. `shipped`: paths of the package. */
function withOutsideLinks(page, text, shipped, base) {
  const isShipped = (path) => shipped.some((file) => file === path || file.startsWith(`${path}/`));
  return text.replace(/(\]\()([^)\s]+)(\))/g, (whole, open, target, close) => {
    if (/^([a-z]+:|#)/.test(target)) return whole;
    const [file, ...anchor] = target.split('#');
    const path = posix.normalize(posix.join(posix.dirname(page), file)).replace(/\/$/, '');
    return isShipped(path) ? whole : `${open}${[`${base}/${path}`, ...anchor].join('#')}${close}`;
  });
}

/** Changes the pages of the tree that are shipped. */
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

/** Also after a packing that was interrupted. */
export function restorePages(root) {
  const list = join(root, KEPT, 'pages.json');
  const pages = existsSync(list) ? JSON.parse(readFileSync(list, 'utf8')) : [];
  for (const page of pages)
    if (existsSync(join(root, KEPT, page))) renameSync(join(root, KEPT, page), join(root, page));
  rmSync(join(root, KEPT), { recursive: true, force: true });
}
