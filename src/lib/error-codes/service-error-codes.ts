/** The error codes for the service's own files and settings. They are rows of `error-codes.ts`. */
import type { ProblemRow } from './problem-row.ts';

/**
 * Makes the row for an error in the service's own files or settings. Callers see such an error only if the service was
 * started with a damaged or altered folder.
 */
function ofTheService(what: string, advice: string): ProblemRow {
  const meaning = `${what} The response has no details; find them in the service log by the request id.`;
  return { status: 500, title: 'Something went wrong', hidden: true, meaning, advice };
}

export const SERVICE_ROWS = {
  invalid_argument: ofTheService(
    'The service, or one of its commands, was given a value that it cannot use.',
    'The operator must correct the settings.',
  ),
  invalid_data: ofTheService(
    'A data set, or the source of a population, does not have the expected format.',
    'The operator must correct the file named in the log.',
  ),
  invalid_population: {
    status: 503,
    title: 'A file of the population is damaged',
    hidden: true,
    meaning:
      'A file of the served population is missing, damaged or altered, and the request needs it. Other requests ' +
      'work as before. /v1/status names the file.',
    advice:
      'The operator must restore the file from a backup, or import the population again. Then send the request again.',
  },
  database_damaged: {
    status: 503,
    title: 'A row of the database is damaged',
    hidden: true,
    meaning:
      'A row that the request needs is damaged (its checksum differs). Lists omit the row, and other ' +
      'requests work as before. /v1/status and metaheac verify name the table and id of the row.',
    advice: 'The operator must restore a backup. Then send the request again.',
  },
  invalid_graph: ofTheService(
    'An ONNX graph cannot be read, type-checked or differentiated.',
    'The operator must serve a model that passes metaheac model verify.',
  ),
  invalid_model: ofTheService(
    'A model folder is damaged, has been altered, or violates the contract.',
    'The operator must serve a model that passes metaheac model verify.',
  ),
  device_unavailable: ofTheService(
    'The device that the engine is configured to use is not available.',
    'The operator must set another METAHEAC_DEVICE, or repair the configured device.',
  ),
} satisfies Record<string, ProblemRow>;
