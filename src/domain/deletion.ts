/** How the service takes part in the Data Deletion Request Framework of the IAB Tech Lab. */

/** A domain whose deletion requests are accepted, and the URL of its public keys. */
export interface DeletionIssuer {
  readonly domain: string;
  readonly url: string;
}

export interface DeletionSettings {
  /** The domain under which the service is published. */
  readonly domain: string;
  readonly issuers: readonly DeletionIssuer[];
}
