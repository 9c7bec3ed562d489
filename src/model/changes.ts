/** The changes that adaptation made to a general model: rows of tables, and whole dense parameters. */

import {
  elementCount,
  type Parameters,
  putRows,
  sameShape,
  type Tensor,
  takeRows,
} from '../../packages/onnx-grad/index.ts';
import { assert } from '../lib/errors.ts';

/** The difference between an adapted parameter and the general model's parameter. */
export interface Change {
  /** Indices of the changed rows, ascending; null if `values` is the whole parameter. */
  readonly rows: Int32Array | null;
  /** New values of the changed rows, `[rows, ..]`, or the whole parameter in its own shape. */
  readonly values: Tensor;
}

/** Changes by parameter; unchanged parameters are not included. */
export type Changes = ReadonlyMap<string, Change>;

/**
 * Returns the changes from `general` to `adapted` (some of its parameters, float32), compared bit by bit. A change
 * contains only the changed rows if they take less space than the whole parameter.
 */
export function changesOf(general: Parameters, adapted: Parameters): Changes {
  const changes = new Map<string, Change>();
  for (const [name, values] of adapted) {
    const before = general.get(name);
    assert(before && sameShape(before.shape, values.shape), `parameter "${name}" belongs to the general model`);
    const rows = changedRows(before, values);
    if (rows.length === 0) continue;
    const isSmaller = rows.length * (1 + widthOf(values)) < elementCount(values.shape);
    changes.set(name, isSmaller ? { rows, values: takeRows(values, rows) } : { rows: null, values });
  }
  return changes;
}

/**
 * All parameters of `general` with the changes applied; unchanged parameters are the same tensors. Null if a change
 * does not fit.
 */
export function applyChanges(general: Parameters, changes: Changes): Map<string, Tensor> | null {
  const out = new Map(general);
  for (const [name, { rows, values }] of changes) {
    const before = general.get(name);
    if (before?.dtype !== 'float32' || values.dtype !== 'float32') return null;
    const shape = rows === null ? before.shape : [rows.length, ...before.shape.slice(1)];
    if (!sameShape(shape, values.shape)) return null;
    if (rows !== null && !isRowsOf(before, rows)) return null;
    out.set(name, rows === null ? values : putRows(before, rows, values));
  }
  return out;
}

/** Indices of the rows (axis 0) in which any bit differs, ascending; a scalar counts as one row. */
function changedRows(before: Tensor, after: Tensor): Int32Array {
  const width = widthOf(after);
  const [a, b] = [bitsOf(before), bitsOf(after)];
  const rows: number[] = [];
  for (let at = 0; at < b.length; at += width) {
    let i = at;
    while (i < at + width && a[i] === b[i]) i++;
    if (i < at + width) rows.push(at / width);
  }
  return Int32Array.from(rows);
}

function widthOf({ shape }: Tensor): number {
  return elementCount(shape.slice(1));
}

/** In this bitwise comparison -0 differs from 0, and NaN equals itself. */
function bitsOf({ data }: Tensor): Uint32Array {
  return new Uint32Array(data.buffer as ArrayBuffer, data.byteOffset, data.length);
}

function isRowsOf({ shape }: Tensor, rows: Int32Array): boolean {
  const last = rows.at(-1) ?? -1;
  return shape.length > 0 && last < shape[0]! && rows.every((row, i) => row > (rows[i - 1] ?? -1));
}
