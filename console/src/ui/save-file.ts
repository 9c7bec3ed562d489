/** A file that the page has, saved by the browser under a name. */

/** For how long the browser may take to begin. */
const TAKEN_MS = 60_000;

export function saveFile(page: Window, file: Blob, name: string): void {
  const url = URL.createObjectURL(file);
  const link = page.document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  page.setTimeout(() => URL.revokeObjectURL(url), TAKEN_MS);
}
