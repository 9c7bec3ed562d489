/** Replaces a population's version while requests are reading the population. */
import type { Population } from './population.ts';

/**
 * Makes `next` the successor of `before`, with the same folder and `erasures`. All versions assign the same numbers to
 * the same user ids, so the larger of the two directories is used. Audiences of a newer version therefore keep their
 * ids after a return to an older version.
 */
export function succeed(next: Population, before: Population): Population {
  const isLarger = next.directory.size >= before.directory.size;
  const directory = isLarger ? next.directory : before.directory.withIdentifiers(next.identifiers);
  const rowOf = new Int32Array(directory.size).fill(-1);
  rowOf.set(next.rowOf);
  return new PopulationView(() => next, { directory, rowOf });
}

/** A view that calls `current` at each read, and reads from the population that it returns. */
export function viewOf(current: () => Population): Population {
  return new PopulationView(current);
}

class PopulationView implements Population {
  readonly #current: () => Population;
  readonly #users: Pick<Population, 'directory' | 'rowOf'> | null;

  constructor(current: () => Population, users: Pick<Population, 'directory' | 'rowOf'> | null = null) {
    this.#current = current;
    this.#users = users;
  }

  get path(): string {
    return this.#current().path;
  }

  get version(): string {
    return this.#current().version;
  }

  get features(): Population['features'] {
    return this.#current().features;
  }

  get specialCampaigns(): Population['specialCampaigns'] {
    return this.#current().specialCampaigns;
  }

  get usersSum(): string {
    return this.#current().usersSum;
  }

  get rowCount(): number {
    return this.#current().rowCount;
  }

  get segmentCount(): number {
    return this.#current().segmentCount;
  }

  get identifiers(): Population['identifiers'] {
    return this.#current().identifiers;
  }

  get identifierCounts(): Population['identifierCounts'] {
    return this.#current().identifierCounts;
  }

  get erasures(): Population['erasures'] {
    return this.#current().erasures;
  }

  get directory(): Population['directory'] {
    return (this.#users ?? this.#current()).directory;
  }

  get rowOf(): Population['rowOf'] {
    return (this.#users ?? this.#current()).rowOf;
  }

  dictionary: Population['dictionary'] = (feature) => this.#current().dictionary(feature);
  readSegment: Population['readSegment'] = (index, into) => this.#current().readSegment(index, into);
  segmentRows: Population['segmentRows'] = (index) => this.#current().segmentRows(index);
  segmentId: Population['segmentId'] = (index) => this.#current().segmentId(index);
  readRows: Population['readRows'] = (rows) => this.#current().readRows(rows);
}
