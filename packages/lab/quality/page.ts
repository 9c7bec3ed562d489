/** Puts tables into a page of Markdown: between the marks that name them, or on a separate page. */

const MARK = /<!-- table: ([^>]+?) -->\n[\s\S]*?<!-- end of table -->/g;

/**
 * `page` with each table between its marks replaced by the one of that name in `tables`; other tables stay unchanged.
 */
export function fillPage(page: string, tables: ReadonlyMap<string, string>): string {
  return page.replace(MARK, (whole, name: string) => {
    const text = tables.get(name);
    return text === undefined ? whole : `<!-- table: ${name} -->\n\n${text}\n\n<!-- end of table -->`;
  });
}

/** All tables under headings, each between its marks. */
export function pageOf(title: string, tables: ReadonlyMap<string, string>): string {
  const sections = [...tables].map(
    ([name, text]) =>
      `## ${name[0]!.toUpperCase()}${name.slice(1)}\n\n<!-- table: ${name} -->\n\n${text}\n\n<!-- end of table -->\n`,
  );
  return `# ${title}\n\n${sections.join('\n')}`;
}
