import { Clock } from '../../platform/clock/clock.js';
import { readDatabaseConfig } from '../../platform/config/config.js';
import { Database } from '../../platform/database/database.js';
import { verifyCommand } from './verify-command.js';
import { VerifyRepository } from './verify.repository.js';
import { DecisionVerifier } from './verify-walk.js';

try {
  const database = new Database({ ...readDatabaseConfig(), poolMax: 1 });
  try {
    const verifier = new DecisionVerifier(new VerifyRepository(database));
    const output = { print: console.log, printProgress: console.error };
    process.exitCode = await verifyCommand(process.argv.slice(2), output, {
      verifier,
      database,
      now: new Clock().now(),
    });
  } finally {
    await database.onApplicationShutdown();
  }
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
