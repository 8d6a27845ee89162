import postgres from './postgres.setup.mjs';
import temporal from './temporal.setup.mjs';

/** For specs from one end to the other: PostgreSQL and Temporal. */
export default async function () {
  await Promise.all([postgres(), temporal()]);
}
