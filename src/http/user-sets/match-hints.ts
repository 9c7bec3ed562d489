/** Suggests why user ids are unknown, by checking whether they would be known if read in a different format. */

/** Causes of unknown ids that can be detected. */
export type Found = 'json_lines' | 'header' | 'utf16' | 'spaces' | 'quotes' | 'columns';

export interface Hint {
  readonly found: Found;
  /** Number of unknown ids that the hint applies to. */
  readonly users: number;
  /** Example of an unknown id that the hint applies to. */
  readonly example: string;
  readonly message: string;
}

const MESSAGES: { readonly [Name in Found]: string } = {
  json_lines: 'these ids are lines of JSON: send them as application/x-ndjson',
  header: 'this id is the header row of a CSV file: send it as text/csv',
  utf16: 'these ids contain NUL characters: the file is UTF-16 and must be UTF-8',
  spaces: 'these ids are known without the spaces around them',
  quotes: 'these ids are known without the quotes around them: send CSV as text/csv',
  columns: 'these ids are rows with several columns, one of which is known: send them as text/csv, separated by commas',
};

/** Matches ids that could be read in another format. */
const SUSPICIOUS = /[\s"'`,;|{\0]|^user_id$/;
const SEPARATORS = /[,;\t|]/;
const QUOTED = /^(["'`])(.*)\1$/s;

/** Examines unknown ids. Each id must be passed only once. */
export class MatchHints {
  readonly #isKnown: (userId: string) => boolean;
  readonly #found = new Map<Found, { users: number; readonly example: string }>();

  constructor(isKnown: (userId: string) => boolean) {
    this.#isKnown = isKnown;
  }

  see(userId: string): void {
    if (!SUSPICIOUS.test(userId)) return;
    const found = this.#find(userId);
    if (found === null) return;
    const entry = this.#found.get(found);
    if (entry === undefined) this.#found.set(found, { users: 1, example: userId });
    else entry.users += 1;
  }

  /** Returns the hints, most frequent first. */
  hints(): Hint[] {
    return [...this.#found]
      .map(([found, { users, example }]) => ({ found, users, example, message: MESSAGES[found] }))
      .sort((a, b) => b.users - a.users);
  }

  #find(userId: string): Found | null {
    if (isJsonLine(userId)) return 'json_lines';
    if (userId.split(SEPARATORS).some((field) => bare(field) === 'user_id')) return 'header';
    if (userId.includes('\0')) return 'utf16';
    const trimmed = userId.trim();
    if (trimmed !== userId && this.#isKnown(trimmed)) return 'spaces';
    const [, , unquoted] = QUOTED.exec(trimmed) ?? [];
    if (unquoted !== undefined && this.#isKnown(unquoted.replaceAll('""', '"'))) return 'quotes';
    const fields = userId.split(SEPARATORS);
    return fields.length > 1 && fields.some((field) => this.#isKnown(bare(field))) ? 'columns' : null;
  }
}

/** Returns a field without surrounding spaces and quotes. */
function bare(field: string): string {
  const trimmed = field.trim();
  return QUOTED.exec(trimmed)?.[2] ?? trimmed;
}

function isJsonLine(userId: string): boolean {
  if (!userId.startsWith('{')) return false;
  try {
    return Object.hasOwn(JSON.parse(userId) as object, 'user_id');
  } catch {
    return false;
  }
}
