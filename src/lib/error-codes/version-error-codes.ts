/** The error codes about versions of models and populations. */
import type { ProblemRow } from './problem-row.ts';

export const VERSION_ROWS = {
  model_unavailable: {
    status: 409,
    title: 'The required general model is no longer served',
    meaning: 'The resource needs the general model that it was made with, but another model is served now.',
    advice: 'Create a new expansion with the served model (`served_model_version`), or serve `model_version` again.',
  },
  model_not_found: {
    status: 404,
    title: 'There is no such model version',
    meaning: 'The path names a version of the general model that the service does not have.',
    advice: 'GET /v1/models lists the versions; `metaheac model promote` adds a version.',
  },
  model_rejected: {
    status: 409,
    title: 'The model cannot be served',
    meaning:
      'A file of the model is damaged, the model does not fit the population, or the model failed in an expansion. Nothing ' +
      'has changed.',
    advice: 'Correct the problem named in `detail`, and promote the model again.',
  },
  nothing_to_roll_back: {
    status: 409,
    title: 'There is nothing to roll back',
    meaning: 'The model in the path is not the served model, or no other model was served before it.',
    advice: '`served_model_version` is the served version; activate the version that you want.',
  },
  population_not_found: {
    status: 404,
    title: 'There is no such population version',
    meaning: 'The population folder does not contain the version in the path.',
    advice: 'GET /v1/populations lists the versions.',
  },
  population_rejected: {
    status: 409,
    title: 'The population version cannot be served',
    meaning:
      'A file of the version is damaged, or the version lacks a feature that the served model needs. Nothing has ' +
      'changed.',
    advice: 'Import the version again with `metaheac population import --model`; `detail` says what is wrong.',
  },
  population_unavailable: {
    status: 409,
    title: 'The required population version no longer exists',
    meaning: 'The resource needs the population version that it was made with, which no longer exists.',
    advice: 'Create a new expansion, which will use the served population version.',
  },
} satisfies Readonly<Record<string, ProblemRow>>;
