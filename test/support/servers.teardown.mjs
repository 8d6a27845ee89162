import postgres from './postgres.teardown.mjs';
import temporal from './temporal.teardown.mjs';

export default async function () {
  await Promise.all([postgres(), temporal()]);
}
