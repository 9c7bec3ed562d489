/** What the routes of users call. */
export interface UserEraser {
  /**
   * Erases a user from the population, for all its versions, and from the store: on disk when this settles. Repeating it
   * is well, also after an error: what was begun is completed.
   * @throws AppError unavailable, storage_failed, invalid_population
   */
  erase(userId: string): Promise<void>;
}
