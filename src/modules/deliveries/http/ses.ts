import { assert } from '../../../core/kernel/assert.js';
import type { ProviderAccount } from '../../providers/index.js';
import { mailbox, mailHeaders } from '../mail-headers.js';
import { awsSigned } from './aws-signature.js';
import { baseUrlOf } from './http-account.js';
import type { HttpAnswer, HttpProtocol } from './http-protocol.js';
import { isTaken, resultOfRefusal, resultOfTrouble, resultWithoutId, textAt } from './http-result.js';

/** About the account, or about us, and not about the message: nothing was taken, and another account may take it. */
const TROUBLE_OF_ACCOUNT: ReadonlySet<string> = new Set([
  'AccountSuspendedException',
  'SendingPausedException',
  'MailFromDomainNotVerifiedException',
  'LimitExceededException',
  'TooManyRequestsException',
  'ThrottlingException',
  // The configuration set does not exist.
  'NotFoundException',
  'IncompleteSignature',
  'IncompleteSignatureException',
  'InvalidClientTokenId',
  'NotAuthorized',
  'RequestExpired',
  'UnrecognizedClientException',
]);
const SERVER_ERROR = 500;
/** Of one encoded word, which has at most 75 characters. */
const WORD_BYTES_MAX = 45;

/** What requests of the account are signed with. */
export const sesKeyOf = ({ settings, credentials }: Pick<ProviderAccount, 'settings' | 'credentials'>) => ({
  accessKeyId: credentials['access_key_id'] ?? '',
  secretAccessKey: credentials['secret_access_key'] ?? '',
  region: settings['region'] ?? '',
  service: 'ses',
});

/**
 * SendEmail of Amazon SES, version 2. It has no idempotency key and cannot be asked about a message; it puts a Message-ID
 * of its own. Our id goes along as a tag, which comes back where a configuration set publishes events.
 */
export const ses: HttpProtocol = {
  toRequest(message, { account, from, domain }) {
    const { deliveryId, to, content } = message;
    assert(content.channel === 'email', 'SES sends e-mail');
    const { configuration_set: set } = account.settings;
    const body = {
      FromEmailAddress: senderOf(from),
      Destination: { ToAddresses: [to] },
      Content: {
        Simple: {
          Subject: inUtf8(content.subject),
          Body: { Text: inUtf8(content.text), Html: inUtf8(content.html) },
          Headers: Object.entries(mailHeaders(message, domain)).map(([Name, Value]) => ({ Name, Value })),
        },
      },
      EmailTags: [{ Name: 'delivery_id', Value: deliveryId }],
      ...(set === undefined ? {} : { ConfigurationSetName: set }),
    };
    return {
      url: `${baseUrlOf(account)}/v2/email/outbound-emails`,
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    };
  },

  sign: (request, account, now) => ({
    ...request,
    headers: awsSigned({ ...request, method: 'POST' }, sesKeyOf(account), now),
  }),

  toResult(answer) {
    if (isTaken(answer)) {
      const id = textAt(answer.json, 'MessageId');
      return id === null ? resultWithoutId(answer) : { kind: 'accepted', providerMessageId: id };
    }
    const type = typeOf(answer);
    if (type === null) return resultOfRefusal(answer);
    const isTrouble = answer.status < SERVER_ERROR && TROUBLE_OF_ACCOUNT.has(type);
    return isTrouble ? resultOfTrouble(answer, type) : resultOfRefusal(answer, { detail: type });
  },
};

const inUtf8 = (Data: string): { Data: string; Charset: 'UTF-8' } => ({ Data, Charset: 'UTF-8' });

/** The name of the error, without the address that may follow it; Amazon names it in a header. */
function typeOf({ headers, json }: HttpAnswer): string | null {
  const { 'x-amzn-errortype': header } = headers;
  const name = typeof header === 'string' ? header : textAt(json, '__type');
  return /^(?:[\w.]+#)?([A-Za-z]{1,80})(?::|$)/.exec(name ?? '')?.[1] ?? null;
}

/** SES takes ASCII only: other names go as encoded words, which stand without quotes (RFC 2047 section 5). */
function senderOf({ name, address }: { readonly name: string; readonly address: string }): string {
  if (/^[ -~]*$/.test(name)) return mailbox(name, address);
  const words = [''];
  for (const letter of name) {
    const word = `${words.at(-1) ?? ''}${letter}`;
    if (Buffer.byteLength(word) <= WORD_BYTES_MAX) words[words.length - 1] = word;
    else words.push(letter);
  }
  const encoded = words.map((word) => `=?UTF-8?B?${Buffer.from(word).toString('base64')}?=`);
  return `${encoded.join(' ')} <${address}>`;
}
