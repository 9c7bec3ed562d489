/** The SVD for initial latent vectors, on users with 40 tokens each from a Zipf vocabulary of 200,000. */
import { createRng, type Rng } from '../../src/lib/rng.ts';
import type { OneHot } from '../../src/training/history/one-hot.ts';
import { latentStart } from '../../src/training/meta/latent-start.ts';

/** Two sizes, because the cost of the vocabulary does not grow with the users. */
const USERS = [50_000, 100_000] as const;
const MANY_USERS = 1_000_000;
const TOKENS_PER_USER = 40;
const VOCABULARY = 200_000;
const RANK = 32;

export async function benchLatentStart(): Promise<readonly string[]> {
  const [few, more] = USERS.map((users) => {
    const oneHot = zipfUsers(users, createRng('users'));
    const start = performance.now();
    latentStart(oneHot, RANK, createRng('start'));
    return (performance.now() - start) / 1000;
  }) as [number, number];
  const perUser = (more - few) / (USERS[1] - USERS[0]);
  const many = more + (MANY_USERS - USERS[1]) * perUser;
  return [
    `${USERS[1].toLocaleString('en')} users take ${more.toFixed(1)} s and ${USERS[0].toLocaleString('en')} ` +
      `take ${few.toFixed(1)} s: ${MANY_USERS.toLocaleString('en')} would take ${many.toFixed(0)} s`,
  ];
}

/** Distinct tokens for each user, the r-th with a probability of nearly 1 / r. */
function zipfUsers(users: number, rng: Rng): OneHot {
  const tokens = new Int32Array(users * TOKENS_PER_USER);
  for (let user = 0; user < users; user++) {
    const from = user * TOKENS_PER_USER;
    for (let at = from; at < from + TOKENS_PER_USER; ) {
      const token = Math.floor(VOCABULARY ** rng.uniform()) - 1;
      if (!tokens.subarray(from, at).includes(token)) tokens[at++] = token;
    }
  }
  return {
    offsets: Int32Array.from({ length: users + 1 }, (_, user) => user * TOKENS_PER_USER),
    tokens,
    width: VOCABULARY,
    users: Int32Array.from({ length: users }, (_, user) => user),
  };
}
