import { contentFaults } from '../../core/content/content-faults.js';
import { unreachable } from '../../core/kernel/assert.js';
import { RenderError, renderPart, type ParsedPart } from './liquid.js';
import type { ParsedContent, TemplateFault } from './renderer.js';

const LINK = 'https://unsubscribe.example/probe';
const ADDRESS = 'probe of the postal address';
const NAME = 'probe of the name';
const PROBE = {
  context: { company: { name: NAME, address: ADDRESS }, unsubscribe_url: LINK, user: {}, run: {} },
  missing: 'empty',
} as const;
/** The keyword that every carrier and our own inbox of text messages know. */
const STOP = /\bSTOP\b/;

/**
 * What a message that needs consent must show: an e-mail a link to withdraw and who writes from where, in both its parts
 * (CAN-SPAM, 16 CFR 316.5; GDPR art. 7 (3)); a text message who writes and the word that ends it (CTIA Messaging
 * Principles and Best Practices, on opt-out). On a device the notification itself says whose it is and how to end it; an entry of an inbox
 * carries the link to withdraw beside it. Who passes a webhook on must have that link. It is
 * rendered for a user about whom nothing is known: what only some readers would see is not enough.
 */
export function faultsOfMarketing(content: ParsedContent): readonly TemplateFault[] {
  switch (content.channel) {
    case 'email':
      return [
        ...faultsOfPart('html', content.html, emailFaults),
        ...(content.text === null ? [] : faultsOfPart('text', content.text, emailFaults)),
      ];
    case 'sms':
      return faultsOfPart('text', content.text, smsFaults);
    case 'push':
    case 'in_app':
      return [];
    case 'webhook':
      return faultsOfPart('body', content.body, linkFaults);
    default:
      return unreachable(content);
  }
}

/**
 * Whether a webhook is JSON, rendered for a user about whom nothing is known, and for one of whom everything is a word: a
 * comma too many is told when the template is saved, and so are quotes around a value. What does not even render for such
 * users is left to the message itself.
 */
export function faultsOfJson(content: ParsedContent): readonly TemplateFault[] {
  if (content.channel !== 'webhook') return [];
  try {
    const bodies = [PROBE, { ...PROBE, gap: 'a word' }].map((probe) => renderPart('body', content.body, probe));
    const faults = bodies.flatMap((body) => contentFaults({ channel: 'webhook', endpoint: content.endpoint, body }));
    return [...new Set(faults)].map((fault) => ({ path: 'body', message: fault.replace(/^body: /, '') }));
  } catch (error) {
    if (!(error instanceof RenderError)) throw error;
    return [];
  }
}

function faultsOfPart(
  path: string,
  part: ParsedPart,
  faultsOf: (rendered: string) => readonly string[],
): readonly TemplateFault[] {
  try {
    return faultsOf(renderPart(path, part, PROBE)).map((message) => ({ path, message }));
  } catch (error) {
    if (!(error instanceof RenderError)) throw error;
    return [{ path, message: error.message }];
  }
}

const linkFaults = (rendered: string): readonly string[] =>
  rendered.includes(LINK) ? [] : ['a marketing message must show {{ unsubscribe_url }}'];

const emailFaults = (rendered: string): readonly string[] => [
  ...linkFaults(rendered),
  ...(rendered.includes(ADDRESS) ? [] : ['a marketing message must show {{ company.address }}']),
];

const smsFaults = (rendered: string): readonly string[] => [
  ...(rendered.includes(NAME) ? [] : ['a marketing message must show {{ company.name }}']),
  ...(STOP.test(rendered) ? [] : ['a marketing message must say how to end it: the word STOP, in capitals']),
];
