/** Cases of `ops/einsum.ts`. */
import { at, fill, type Nd } from './arrays.ts';
import { type Case, type CaseInput, type Cases, float, integers } from './harness.ts';

/** By the letter: every assignment of all labels is visited. Ellipses are given as digits by the cases' `written`. */
function einsum(inputs: readonly Nd[], equation: string): Nd {
  const [terms, result] = labelled(equation.replaceAll(' ', ''), inputs);
  const labels = [...new Set([...result, ...terms.flat()])];
  const sizes = labels.map((label) =>
    terms.reduce((size, term, i) => {
      const axis = term.indexOf(label);
      return axis >= 0 && inputs[i]!.shape[axis] !== 1 ? inputs[i]!.shape[axis]! : size;
    }, 1),
  );
  const sums = new Map<string, number>();
  fill(sizes, (index) => {
    const place = (term: readonly string[]) => term.map((label) => index[labels.indexOf(label)]!);
    const key = place(result).join();
    const product = inputs.reduce((value, x, i) => value * at(x, place(terms[i]!)), 1);
    sums.set(key, (sums.get(key) ?? 0) + product);
    return 0;
  });
  return fill(
    result.map((label) => sizes[labels.indexOf(label)]!),
    (index) => sums.get(index.join()) ?? 0,
  );
}

/** The labels of each term and of the result; digits stand for the axes of an ellipsis, counted from the right. */
function labelled(equation: string, inputs: readonly Nd[]): [terms: string[][], result: string[]] {
  const [left, right] = equation.split('->');
  const digits = (count: number) => Array.from({ length: count }, (_, i) => String(count - 1 - i));
  const expand = (term: string, count: number) => {
    const [before, after] = term.split('...');
    return after === undefined ? [...term] : [...before!, ...digits(count), ...after];
  };
  const hidden = (term: string, i: number) => inputs[i]!.shape.length - term.replace('...', '').length;
  const parts = left!.split(',');
  const terms = parts.map((term, i) => expand(term, hidden(term, i)));
  const most = Math.max(...parts.map((term, i) => (term.includes('...') ? hidden(term, i) : 0)));
  const letters = terms.flat().filter((label) => /[a-zA-Z]/.test(label));
  const once = [...new Set(letters)].filter((label) => letters.indexOf(label) === letters.lastIndexOf(label)).sort();
  return [terms, right === undefined ? [...digits(most), ...once] : expand(right, most)];
}

const of = (equation: string, ...inputs: CaseInput[]): Case<'Einsum'> => ({ inputs, attributes: { equation } });

export const einsumCases: Pick<Cases, 'Einsum'> = {
  Einsum: {
    reference: (inputs, { equation }) => einsum(inputs, equation),
    cases: [
      // matrix products, dots and outer products
      of('ij,jk->ik', float(2, 3), float(3, 4)),
      of('ij,kj->ik', float(2, 3), float(4, 3)),
      of('i,i->', float(3), float(3)),
      of('i,j->ij', float(2), float(3)),
      of('ij,j->i', float(2, 3), float(3)),
      of('bi,bi->b', float(2, 3), float(2, 3)),
      of('bij,bjk->bik', float(2, 2, 3), float(2, 3, 2)),
      of('bij,jk->bik', float(2, 2, 3), float(3, 2)),
      of('bhid,bhjd->bhij', float(2, 1, 2, 3), float(2, 1, 2, 3)),
      of('bqd,bkd->bqk', float(2, 2, 3), float(2, 3, 3)),
      of(' i j , j k -> k i ', float(2, 3), float(3, 2)),
      of('ij,jk', float(2, 3), float(3, 2)),
      of('ba,cb', float(2, 3), float(2, 2)),
      // labels that one input has alone, or that are summed
      of('ij,k->k', float(2, 3), float(2)),
      of('ij,ij->', float(2, 3), float(2, 3)),
      of('ij,jk->i', float(2, 3), float(3, 2)),
      of('i,->i', float(3), float()),
      of(',->', float(), float()),
      // ellipses
      of('...ij,...jk->...ik', float(2, 2, 3), float(2, 3, 2)),
      of('...ij,jk->...ik', float(2, 2, 3), float(3, 2)),
      of('...i,...i->...', float(2, 3), float(2, 3)),
      of('...i,...i->...', integers('int64', [-3, 4], 2, 3), integers('int64', [-3, 4], 1, 3)),
      of('b...,b...->b...', float(2, 3), float(2, 3)),
      of('...i,i', float(2, 3), float(3)),
      of('...,...', float(2, 3), float(2, 3)),
      // one input
      of('ij->ji', float(2, 3)),
      of('ij->i', float(2, 3)),
      of('ij->', float(2, 3)),
      of('ii->i', float(3, 3)),
      of('ii->', float(3, 3)),
      of('ii,i->i', float(3, 3), float(3)),
      of('iij,j->ij', float(2, 2, 3), float(3)),
      of('...ij->...ji', float(2, 2, 3)),
      // three
      of('ij,jk,kl->il', float(2, 2), float(2, 3), float(3, 2)),
      // empty ones
      of('ij,jk->ik', float(0, 3), float(3, 2)),
      { ...of('bi,ij->bj', float('n', 3), float(3, 2)), sizes: [{ n: 2 }, { n: 1 }] },
      of('ij,jk->ik', integers('int64', [-3, 4], 2, 3), integers('int64', [-3, 4], 3, 2)),
    ],
  },
};
