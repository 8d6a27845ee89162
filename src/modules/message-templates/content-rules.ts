import { RenderError, renderPart, type ParsedContent, type TemplateFault } from './renderer.js';

const LINK = 'https://unsubscribe.example/probe';
const ADDRESS = 'probe of the postal address';
const PROBE = { company: { name: 'probe', address: ADDRESS }, unsubscribe_url: LINK, user: {}, run: {} };

/**
 * What a message that needs consent must show in both its parts: a link to withdraw, and who writes from where
 * (CAN-SPAM, 16 CFR 316.5; GDPR art. 7 (3)). It is rendered for a user about whom nothing is known: what only some
 * readers would see is not enough.
 */
export function faultsOfMarketing(content: ParsedContent): readonly TemplateFault[] {
  try {
    return faultsOfParts({ html: renderPart('html', content, PROBE), text: renderPart('text', content, PROBE) });
  } catch (error) {
    if (!(error instanceof RenderError)) throw error;
    return [{ path: 'html', message: error.message }];
  }
}

function faultsOfParts(parts: { readonly html: string; readonly text: string }): readonly TemplateFault[] {
  return Object.entries(parts).flatMap(([path, rendered]) => [
    ...(rendered.includes(LINK) ? [] : [{ path, message: 'a marketing message must show {{ unsubscribe_url }}' }]),
    ...(rendered.includes(ADDRESS) ? [] : [{ path, message: 'a marketing message must show {{ company.address }}' }]),
  ]);
}
