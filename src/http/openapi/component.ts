/** Names of the document's components: metadata of a schema that names it, or its parameter. */

/** The metadata's key, which is not in the finished document. */
export const COMPONENT = 'x-component';

/** For `.meta()`: the body, or the parameter, becomes `#/components/…/<name>`, and is referenced. */
export function component(name: string): { readonly [COMPONENT]: string } {
  return { [COMPONENT]: name };
}
