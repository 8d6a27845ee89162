// The mailbox as a process of its own, for containers.
import { ConfigError, readSettings } from '../../src/platform/config/read-settings.js';
import { startMailbox } from './mailbox.js';

const { values, faults } = readSettings(process.env);
if (faults.length > 0) throw new ConfigError(faults, process.env);
const mailbox = await startMailbox({
  smtpPort: values.MAILBOX_SMTP_PORT,
  httpPort: values.MAILBOX_HTTP_PORT,
  dataDir: values.DATA_DIR,
  host: values.HOST,
});
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void mailbox.stop());
console.log(`mail on ${mailbox.smtpUrl}, inbox on ${mailbox.inboxUrl}`);
