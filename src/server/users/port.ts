/** What the routes of users call. */
export interface UserEraser {
  /**
   * Erases a user from the population, for all its versions, and from the store: on disk when this resolves. Repeating
   * it changes nothing; what had begun before an error is completed.
   * @throws AppError unavailable, storage_failed, invalid_population
   */
  erase(userId: string): Promise<void>;
}
