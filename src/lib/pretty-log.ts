/** A line of the log for people, from its JSON. */

/** By pino's number, with a colour of ANSI terminals. */
const LEVELS: Readonly<Record<number, readonly [name: string, colour: number]>> = {
  10: ['TRACE', 90],
  20: ['DEBUG', 90],
  30: ['INFO', 32],
  40: ['WARN', 33],
  50: ['ERROR', 31],
  60: ['FATAL', 31],
};
const GREY = 90;
/** Fields of every line that stand in front, or say nothing to people. */
const LEADING: ReadonlySet<string> = new Set(['level', 'time', 'name', 'msg', 'err']);

/**
 * `14:03:07.123 INFO  api     request completed  status=200 ms=3.1`, in UTC, and an error with its stack below. What is
 * not a JSON object (nothing that pino writes) stays as it is.
 */
export function prettyLine(json: string, isColoured = false): string {
  const fields = parse(json);
  if (fields === null) return json;
  const { level, time, name, msg, err } = fields;
  const paint = (text: string, colour: number) => (isColoured ? `\u001b[${colour}m${text}\u001b[0m` : text);
  const [title, colour] = LEVELS[Number(level)] ?? [String(level), GREY];
  const rest = Object.entries(fields)
    .filter(([key]) => !LEADING.has(key))
    .map(([key, value]) => `${key}=${textOf(value)}`);
  const parts = [
    `${paint(clockOf(time), GREY)} ${paint(title.padEnd(5), colour)} ${plain(String(name ?? '')).padEnd(6)}`,
    ...(msg === undefined ? [] : [plain(String(msg))]),
    ...(rest.length === 0 ? [] : [paint(rest.join(' '), GREY)]),
  ];
  return `${parts.join('  ')}\n${err === undefined ? '' : errorText(err)}`;
}

function parse(json: string): Readonly<Record<string, unknown>> | null {
  try {
    const value: unknown = JSON.parse(json);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : null;
  } catch {
    return null;
  }
}

/** The time of day; the date is the journal's to add. */
function clockOf(time: unknown): string {
  return typeof time === 'string' ? time.slice(11, 23) : '';
}

/** Quoted where a reader could not see where it ends. */
function textOf(value: unknown): string {
  return typeof value === 'string' && /^[^\s"=\p{Cc}]+$/u.test(value) ? value : plain(JSON.stringify(value));
}

/** Without control characters: a text of others must not move the cursor or start a line. */
function plain(text: string): string {
  return text.replaceAll(/\p{Cc}/gu, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

function errorText(error: unknown): string {
  const { stack, message, ...facts } = (typeof error === 'object' && error !== null ? error : { message: error }) as {
    readonly stack?: unknown;
    readonly message?: unknown;
  };
  const rest = Object.entries(facts).filter(([key]) => key !== 'type' && key !== 'name');
  const lines = String(stack ?? message).split('\n');
  if (rest.length > 0) lines.push(JSON.stringify(Object.fromEntries(rest)));
  return lines.map((line) => `    ${plain(line.trimEnd())}\n`).join('');
}
