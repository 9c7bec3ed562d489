/**
 * Eigenvalues and eigenvectors of a small symmetric matrix, computed by ml-matrix, with a fixed layout and fixed signs.
 */
import { EigenvalueDecomposition, Matrix } from 'ml-matrix';

/**
 * Returns the eigenvalues (descending) and eigenvectors (orthonormal columns) of a symmetric matrix `[size, size]`. The
 * matrix is row-major and is not changed. In each eigenvector the entry with the largest absolute value (the first such
 * entry if several are equal) is positive, so equal matrices give equal bits. Throws a TypeError if an entry is not
 * finite.
 */
export function symmetricEigen(matrix: Float64Array, size: number): { values: Float64Array; vectors: Float64Array } {
  if (!matrix.every(Number.isFinite)) throw new TypeError('a matrix for eigenvalues has entries that are not finite');
  const values = new Float64Array(size);
  const vectors = new Float64Array(size * size);
  // ml-matrix does not accept a matrix without rows
  if (size === 0) return { values, vectors };
  const eigen = new EigenvalueDecomposition(Matrix.from1DArray(size, size, matrix), { assumeSymmetric: true });
  const ascending = eigen.realEigenvalues;
  const columns = eigen.eigenvectorMatrix;
  for (let j = 0; j < size; j++) {
    const from = size - 1 - j;
    values[j] = ascending[from]!;
    let largest = 0;
    for (let i = 0; i < size; i++)
      if (Math.abs(columns.get(i, from)) > Math.abs(columns.get(largest, from))) largest = i;
    const sign = columns.get(largest, from) < 0 ? -1 : 1;
    for (let i = 0; i < size; i++) vectors[i * size + j] = sign * columns.get(i, from);
  }
  return { values, vectors };
}
