/**
 * Branded whole numbers. Passing one kind of number in place of another, such as a row instead of a user number, does
 * not compile. A plain number, such as an element of an `Int32Array`, can be assigned to any of these types.
 */

declare const numbers: unique symbol;

type Branded<Name extends string> = number & { readonly [numbers]?: Name };

/**
 * A user's position in the directory of all users ever imported, which never changes; -1 if the user was never
 * imported.
 */
export type UserNumber = Branded<'UserNumber'>;

/** A user's position in one version of a population; -1 if the user is not in this version. */
export type Row = Branded<'Row'>;

/** A token's position in a population's dictionary of one feature; 0 if the value is missing. */
export type Code = Branded<'Code'>;

/** A token's id in a model's vocabulary of one feature; 0 if the model does not know the token. */
export type TokenId = Branded<'TokenId'>;
