/** A page's text as a snapshot shows it: without the padding of tables, and with lines that fit into a source file. */
const COLUMNS = 100;

export function wrapped(text: string): string {
  const unpadded = text.replaceAll(/ {2,}/g, ' ').replaceAll(/-{3,}/g, '---');
  return unpadded.split('\n').map(wrapLine).join('\n');
}

function wrapLine(line: string): string {
  const lines: string[] = [''];
  for (const word of line.split(' ')) {
    const last = lines.at(-1)!;
    if (last !== '' && last.length + 1 + word.length > COLUMNS) lines.push(`  ${word}`);
    else lines[lines.length - 1] = last === '' ? word : `${last} ${word}`;
  }
  return lines.join('\n');
}
