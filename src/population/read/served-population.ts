/** The population that a service serves: another version may take its place while requests read it. */
import type { Directory } from './directory.ts';
import type { Population } from './population.ts';

/**
 * Reads go to the version that is served now. User ids and numbers hold across versions, so the directory is always the
 * one that knows most users: audiences of a newer version keep their ids after a step back to an older one.
 */
export class ServedPopulation implements Population {
  #current: Population;
  #directory: Directory;
  #rowOf: Int32Array;

  constructor(first: Population) {
    this.#current = first;
    this.#directory = first.directory;
    this.#rowOf = first.rowOf;
  }

  /** Serves `next`, of the same folder and with the same `erasures`, from now on. */
  switchTo(next: Population): void {
    if (next.directory.size >= this.#directory.size) this.#directory = next.directory;
    const rowOf = new Int32Array(this.#directory.size).fill(-1);
    rowOf.set(next.rowOf);
    this.#rowOf = rowOf;
    this.#current = next;
  }

  get path(): string {
    return this.#current.path;
  }

  get version(): string {
    return this.#current.version;
  }

  get features(): Population['features'] {
    return this.#current.features;
  }

  get rowCount(): number {
    return this.#current.rowCount;
  }

  get segmentCount(): number {
    return this.#current.segmentCount;
  }

  get erasures(): Population['erasures'] {
    return this.#current.erasures;
  }

  get directory(): Directory {
    return this.#directory;
  }

  get rowOf(): Int32Array {
    return this.#rowOf;
  }

  dictionary: Population['dictionary'] = (feature) => this.#current.dictionary(feature);
  readSegment: Population['readSegment'] = (index, into) => this.#current.readSegment(index, into);
  readRows: Population['readRows'] = (rows) => this.#current.readRows(rows);
}
