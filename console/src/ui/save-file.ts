/** Saves a file that the page has created. */

/** Milliseconds that the browser may take to start the download. */
const TAKEN_MS = 60_000;

export function saveFile(page: Window, file: Blob, name: string): void {
  const url = URL.createObjectURL(file);
  const link = page.document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  page.setTimeout(() => URL.revokeObjectURL(url), TAKEN_MS);
}
