import type { InstantMs } from '../../../core/kernel/instant.js';
import type { ProviderAccount, ProviderKind } from '../../providers/index.js';
import { awsSigned } from '../http/aws-signature.js';
import { baseUrlOf, credentialHeaders } from '../http/http-account.js';
import type { HttpAnswer } from '../http/http-protocol.js';
import { isTaken, textAt } from '../http/http-result.js';
import type { HttpQuestion } from '../http/look-up.js';
import { sesKeyOf } from '../http/ses.js';

/** What an answer says about the credentials, and why: in our words, or as a code. */
export interface Finding {
  /** `unclear`: nobody said, or what was said is about something else. */
  readonly outcome: 'ok' | 'refused' | 'unclear';
  readonly because: string | null;
}

/** How one kind of provider is asked whether it knows an account. Nothing is sent by it. Pure. */
export interface AccountCheck {
  question(account: ProviderAccount, now: InstantMs): HttpQuestion;
  /** What a success says; one that is not told here is `ok`. */
  read?(json: unknown): Finding | null;
}

const OK: Finding = { outcome: 'ok', because: null };
const refusedFor = (because: string): Finding => ({ outcome: 'refused', because });
const SERVER_ERROR = 500;
/** Too late, or too much: it says nothing about who asks. */
const PASSING: ReadonlySet<number> = new Set([408, 429]);

/**
 * What an answer means: a success is looked into, and a refusal (4xx) is about what was asked with. A redirect, an error
 * of the server, and one that says to come back are about something else; so is a key that is known, but may not ask.
 */
export function findingOf({ read }: Pick<AccountCheck, 'read'>, answer: HttpAnswer): Finding {
  const { status, headers, json } = answer;
  if (isTaken(answer)) return read?.(json) ?? OK;
  const { 'x-amzn-errortype': type } = headers;
  if (typeof type === 'string' && type.startsWith('AccessDenied')) {
    return { outcome: 'unclear', because: 'the key is known, but may not ask for the account' };
  }
  const isRefusal = status >= 400 && status < SERVER_ERROR && !PASSING.has(status);
  return { outcome: isRefusal ? 'refused' : 'unclear', because: `status_${status}` };
}

/** What each kind is asked that answers to a plain question. */
export const ACCOUNT_CHECKS: Partial<Record<ProviderKind, AccountCheck>> = {
  sendgrid: {
    question: (account) => ({ url: `${baseUrlOf(account)}/v3/scopes`, headers: credentialHeaders(account) }),
    read(json) {
      const { scopes } = (json ?? {}) as { readonly scopes?: unknown };
      return Array.isArray(scopes) && scopes.includes('mail.send') ? OK : refusedFor('the key may not send mail');
    },
  },
  mailgun: {
    question: (account) => ({
      url: `${baseUrlOf(account)}/v4/domains/${encodeURIComponent(account.settings['domain'] ?? '')}`,
      headers: credentialHeaders(account),
    }),
    read: (json) => unlessActive('the domain', textAt(json, 'domain', 'state')),
  },
  postmark: {
    question: (account) => ({
      url: `${baseUrlOf(account)}/server`,
      headers: { ...credentialHeaders(account), accept: 'application/json' },
    }),
  },
  twilio: {
    question: (account) => ({
      url: `${baseUrlOf(account)}/2010-04-01/Accounts/${encodeURIComponent(account.settings['account_sid'] ?? '')}.json`,
      headers: credentialHeaders(account),
    }),
    read: (json) => unlessActive('the account', textAt(json, 'status')),
  },
  ses: {
    question(account, now) {
      const url = `${baseUrlOf(account)}/v2/email/account`;
      return { url, headers: awsSigned({ method: 'GET', url, headers: {}, body: '' }, sesKeyOf(account), now) };
    },
    read(json) {
      const { SendingEnabled: isEnabled } = (json ?? {}) as { readonly SendingEnabled?: unknown };
      return isEnabled === false ? refusedFor('sending is switched off for the account') : OK;
    },
  },
};

function unlessActive(what: string, state: string | null): Finding | null {
  return state === null || state === 'active' ? null : refusedFor(`${what} is ${state}`);
}
