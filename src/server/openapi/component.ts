/**
 * Names of the document's components: a schema says in its metadata that it, or the parameter that it is of, has one.
 */

/** The metadata's key; it is not in the finished document. */
export const COMPONENT = 'x-component';

/** For `.meta()`: the body, or the parameter, is `#/components/…/<name>`, and is referred to. */
export function component(name: string): { readonly [COMPONENT]: string } {
  return { [COMPONENT]: name };
}
