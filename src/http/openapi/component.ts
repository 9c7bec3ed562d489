/**
 * Names of the document's components: a schema's metadata says that it, or its parameter, has one.
 */

/** The metadata's key, which is not in the finished document. */
export const COMPONENT = 'x-component';

/** For `.meta()`: the body, or the parameter, becomes `#/components/…/<name>`, and is referenced. */
export function component(name: string): { readonly [COMPONENT]: string } {
  return { [COMPONENT]: name };
}
