/** What DuckDB's types are to an import. */

export type TypeGroup = 'text' | 'integer' | 'float' | 'boolean' | 'date' | 'list' | 'other';

const INTEGER = /^U?(TINYINT|SMALLINT|INTEGER|BIGINT|HUGEINT)$/;
const FLOAT = /^(FLOAT|DOUBLE|DECIMAL\(.*\))$/;
const LIST = /^(.*)\[\d*\]$/;

export function typeGroup(type: string): TypeGroup {
  if (LIST.test(type)) return 'list';
  if (type === 'VARCHAR' || type === 'UUID' || type.startsWith('ENUM(')) return 'text';
  if (INTEGER.test(type)) return 'integer';
  if (FLOAT.test(type)) return 'float';
  if (type === 'BOOLEAN') return 'boolean';
  if (type === 'DATE' || type.startsWith('TIMESTAMP')) return 'date';
  return 'other';
}

/** The type of a list's elements, null of what is no list. */
export function elementOf(type: string): string | null {
  return LIST.exec(type)?.[1] ?? null;
}
