/** Sentences for the error codes in the log of deliveries. docs/destinations.md has the same table. */

export const ERRORS: readonly (readonly [codes: readonly string[], sentence: string])[] = [
  [
    ['EACCES', 'EPERM', 'EROFS'],
    'The service may not read or write there. Check the rights of its user or credentials.',
  ],
  [['ENOTDIR', 'EEXIST', 'EISDIR'], 'A file is in the place of a folder, or a folder in the place of a file.'],
  [['ENOENT'], 'A file or folder is missing.'],
  [
    ['ENOSPC', 'EDQUOT'],
    'A disk is full: the disk of the destination, or the disk on which the service prepares files.',
  ],
  [
    ['ECONNREFUSED', 'ECONNRESET', 'ETIMEDOUT', 'EHOSTUNREACH', 'ENETUNREACH', 'ENOTFOUND', 'EAI_AGAIN'],
    'The object storage cannot be reached. Check the endpoint and the network.',
  ],
  [['EAGAIN'], 'The object storage is overloaded or has failed.'],
  [['EIO', 'storage_failed'], 'The storage has failed or refused a request. Test the destination to see its message.'],
  [
    ['CERT_HAS_EXPIRED', 'DEPTH_ZERO_SELF_SIGNED_CERT', 'SELF_SIGNED_CERT_IN_CHAIN'],
    'The certificate of the endpoint is not trusted.',
  ],
  [['address_refused'], 'The address of the endpoint is not public, and the operator has not allowed it.'],
  [['destination_refused'], 'The operator no longer allows this place. Test the destination to see why.'],
  [['destination_paused'], 'The destination was paused for a day. Resume it and replay the delivery.'],
  [['campaign_not_found'], 'The campaign was deleted.'],
  [['audience_not_found'], 'The version was removed before it was written.'],
  [['cut_not_found'], 'The version does not have the cut of the destination.'],
  [['identifiers_missing'], 'The population has no identifiers of the type and rule of the destination.'],
  [['unavailable'], 'The service has not yet loaded the population of this version.'],
  [['aborted'], 'The service stopped while it was writing.'],
];

const SENTENCES = new Map(ERRORS.flatMap(([codes, sentence]) => codes.map((code) => [code, sentence])));

/** Returns the sentence for a code, or null for a code that the table does not have. */
export function sentenceOf(code: string): string | null {
  return SENTENCES.get(code) ?? null;
}
