import { Clock } from '../../platform/clock/clock.js';
import { readAccessConfig } from '../../platform/config/config.js';
import { tokenCommand } from './token-command.js';

try {
  console.log(await tokenCommand(process.argv.slice(2), { readConfig: readAccessConfig, now: new Clock().now() }));
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
