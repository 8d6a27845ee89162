// What a newcomer reads when everything is up.
import { localAddress } from './address.ts';

/** Where everything is, and what to try next. */
export function table({ config, hasMailbox, isOpen, seconds }) {
  const api = localAddress(config.http.host, config.http.port);
  const rows = [
    ['API', api],
    ['API docs', `${api}/docs`],
    ['Inbox', hasMailbox ? config.email.inboxUrl : 'none: SMTP_URL is set'],
    ['Temporal UI', config.temporal.uiUrl],
    ['Database', withoutPassword(config.database.url)],
  ];
  const key = isOpen ? '' : ` -H 'authorization: Bearer <api key>'`;
  const user = `'{"email": "jane@example.com", "name": "Jane Doe", "lifecycle_stage": "trial"}'`;
  const next = [
    ['npm run demo', 'a thousand real web-shop sessions, two weeks in minutes'],
    [`curl -X POST ${api}/api/users -H 'content-type: application/json'${key} -d ${user}`],
    ['npm test', 'everything above, proven'],
  ];
  const notice = isOpen
    ? `! No authentication: everyone on this machine may do everything. Listens on ${config.http.host} only.`
    : 'Authentication is on: requests need an API key or a token.';
  return [
    '',
    `Tactful is up after ${seconds} s. Ctrl-C stops it; data stays.`,
    '',
    ...rows.map(([name, value]) => `  ${name.padEnd(12)} ${value}`),
    '',
    'Next, in another terminal:',
    ...next.map(([command, note]) => `  ${note === undefined ? command : `${command.padEnd(14)} # ${note}`}`),
    '',
    notice,
    '',
  ].join('\n');
}

function withoutPassword(url) {
  const parsed = new URL(url);
  if (parsed.password !== '') parsed.password = '***';
  return parsed.href;
}
