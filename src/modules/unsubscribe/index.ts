export { UnsubscribeMail } from './unsubscribe-mail.js';
export { UnsubscribeModule } from './unsubscribe.module.js';
export { UnsubscribeTokens } from './unsubscribe-tokens.js';
