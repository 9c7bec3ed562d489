/** The model of an import: checks the schema, counts unknown tokens, and stores user sides. */
import { availableParallelism } from 'node:os';
import { storeUserSides } from '../../../engine/engine-start.ts';
import { AppError } from '../../../lib/errors.ts';
import { hasTokens } from '../../../lib/feature-kinds.ts';
import type { Output } from '../../../lib/output.ts';
import { type ModelFolder, readModelFolder } from '../../../model/folder.ts';
import { featureOf } from '../../../model/manifest.ts';
import { bind } from '../../../online/binding.ts';
import { type EncodingCounts, encodeUsers } from '../../../online/encode.ts';
import { populationFeatures, type SourceSchema } from '../../../population/import.ts';
import { openPopulation } from '../../../population/read.ts';
import { settingsOf } from '../../settings.ts';

interface ImportedVersion {
  readonly population: string;
  readonly version: string;
}

export class ImportModel {
  /** The user features that the model reads. */
  readonly features: readonly ReturnType<typeof featureOf>[];
  readonly #folder: string;
  readonly #model: ModelFolder;

  /** @throws AppError invalid_model */
  constructor(folder: string) {
    this.#folder = folder;
    this.#model = readModelFolder(folder);
    this.features = this.#model.manifest.features.user.map(featureOf);
  }

  /**
   * Checks that the schema contains every feature that the model reads, with the same kind. The schema may contain
   * further features, for filters.
   * @throws AppError invalid_argument
   */
  check(schema: SourceSchema, path: string): void {
    const given = populationFeatures(schema);
    for (const { name, kind, size } of this.features) {
      const found = given.find((feature) => feature.name === name);
      if (found?.kind === kind && found.size === size) continue;
      const wanted = `${kind}${size === undefined ? '' : ` of ${size}`}`;
      const ofSize = found?.size === undefined ? '' : ` of ${found.size}`;
      const is = found ? `is of kind ${found.kind}${ofSize}` : 'is missing';
      throw new AppError('invalid_argument', `${path}: the model reads the feature "${name}" (${wanted}), which ${is}`);
    }
  }

  /**
   * Counts, in one pass, the occurrences of known and unknown tokens of each feature in the population.
   * @throws AppError invalid_population
   */
  countUses({ population: folder, version }: ImportedVersion): ReadonlyMap<string, EncodingCounts> {
    const population = openPopulation(folder, { version });
    const ofTokens = bind(this.#model, population).features.filter(({ kind }) => hasTokens(kind));
    const uses = new Map(ofTokens.map(({ name }) => [name, { unknown: 0, tokens: 0, dropped: 0 }]));
    for (let segment = 0; segment < population.segmentCount; segment++) {
      const rows = population.readSegment(segment);
      for (const feature of ofTokens)
        encodeUsers(null, { features: [feature] }, rows, { counts: uses.get(feature.name)! });
    }
    return uses;
  }

  /** Errors are reported only as a note: the import has succeeded, and a service computes any missing user sides. */
  async storeUserSides({ population, version }: ImportedVersion, output: Output): Promise<void> {
    const versions = { model: this.#folder, population, populationVersion: version };
    try {
      const { userSideBytes } = settingsOf({}).values.limits;
      const made = await storeUserSides(
        { ...versions, device: 'auto', threads: availableParallelism() },
        userSideBytes,
        (done, all) => output.progress(`user sides: ${done} of ${all} segments`),
      );
      if (made?.end === null) output.result('  the user sides for the model are stored');
      else if (made !== null) {
        const { stored, segments } = made;
        output.note(
          `metaheac: the user sides of only ${stored} of ${segments} segments are stored, because user_side_bytes is ` +
            `${userSideBytes}`,
        );
      }
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      output.note(`metaheac: the user sides for the model are not stored: ${error.message}`);
    }
  }
}
