/**
 * Writes tables into an existing or new Markdown page. Each table is enclosed in two marks. The opening mark contains
 * the table's name.
 */

const MARK = /<!-- table: ([^>]+?) -->\n[\s\S]*?<!-- end of table -->/g;

/**
 * Replaces each table in `page` by the table with the same name in `tables`. Tables without a replacement stay
 * unchanged.
 */
export function fillPage(page: string, tables: ReadonlyMap<string, string>): string {
  return page.replace(MARK, (whole, name: string) => {
    const text = tables.get(name);
    return text === undefined ? whole : `<!-- table: ${name} -->\n\n${text}\n\n<!-- end of table -->`;
  });
}

/** Returns a page with all tables, each under a heading and between its marks. */
export function pageOf(title: string, tables: ReadonlyMap<string, string>): string {
  const sections = [...tables].map(
    ([name, text]) =>
      `## ${name[0]!.toUpperCase()}${name.slice(1)}\n\n<!-- table: ${name} -->\n\n${text}\n\n<!-- end of table -->\n`,
  );
  return `# ${title}\n\n${sections.join('\n')}`;
}
