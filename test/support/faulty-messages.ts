import type { StepDefinition } from '../../src/core/journeys/definition.js';
import { end, journey } from './definitions.js';
import type { FaultyDefinition } from './faulty-entries.js';

const email = { channel: 'email', template: 'a' } as const;
const push = { channel: 'push', template: 'b' } as const;
const of = (more: Partial<Extract<StepDefinition, { readonly kind: 'message' }>>) =>
  journey([{ kind: 'message', id: 'a', channel: 'best', ...more }, end()]);

const tooMany = Object.fromEntries(Array.from({ length: 51 }, (_, index) => [`name_${index}`, index]));

/** Messages that say too little, or too much, of what they send. */
export const FAULTY_MESSAGES: readonly FaultyDefinition[] = [
  [
    'a context with too many names',
    journey([{ kind: 'decide', id: 'a', actions: ['x'], context: tooMany }, end()]),
    'steps[0].context',
    'bad_context',
  ],
  ['a message without a template', of({ channel: 'email' }), 'steps[0].template', 'bad_message'],
  ['choices for one channel', of({ ...email, choices: [email, push] }), 'steps[0].choices', 'bad_message'],
  [
    'a template for the best channel',
    of({ template: 'a', choices: [email, push] }),
    'steps[0].template',
    'bad_message',
  ],
  ['nothing to choose from', of({}), 'steps[0].choices', 'bad_message'],
  ['one choice', of({ choices: [email] }), 'steps[0].choices', 'bad_message'],
  [
    'a channel twice',
    of({ choices: [email, { ...email, template: 'c' }] }),
    'steps[0].choices[1].channel',
    'bad_message',
  ],
  [
    'a choice without a name',
    of({ choices: [email, { ...push, template: ' ' }] }),
    'steps[0].choices[1].template',
    'bad_text',
  ],
];
