/**
 * Branded whole numbers, so that one cannot be used as another: passing a row where a user number is expected does not
 * compile. A plain number, such as an element of an `Int32Array`, may become any of them.
 */

declare const numbers: unique symbol;

type Branded<Name extends string> = number & { readonly [numbers]?: Name };

/** A user's position in the directory of all users ever imported; it never changes. -1: never seen. */
export type UserNumber = Branded<'UserNumber'>;

/** A user's position in one version of a population. -1: not in it. */
export type Row = Branded<'Row'>;

/** A token's position in a population's dictionary of one feature; 0: missing. */
export type Code = Branded<'Code'>;

/** A token's id in a model's vocabulary of one feature; 0: unknown. */
export type TokenId = Branded<'TokenId'>;
