import type { TemplateUse } from '../../message-templates/index.js';
import type { JourneyDefinitionDto } from './journeys.dto.js';

type MessageDto = Extract<JourneyDefinitionDto['steps'][number], { readonly kind: 'message' }>;

/** What a journey names and somebody else writes. */
export interface NamedThing {
  /** Where it is named, e.g. `steps[2].template`. */
  readonly path: string;
  readonly kind: 'template' | 'action' | 'journey' | 'endpoint';
  readonly key: string;
  /** Through which the step sends it. */
  readonly channel?: string;
}

const NOUNS = {
  template: 'message template',
  action: 'action',
  journey: 'journey',
  endpoint: 'webhook endpoint',
} as const;

/** Everything that the steps of a journey name, in their order. */
export function namedThings({ steps }: JourneyDefinitionDto): readonly NamedThing[] {
  return steps.flatMap((step, index): readonly NamedThing[] => {
    const path = `steps[${index}]`;
    switch (step.kind) {
      case 'message':
        return messageTemplates(step, path);
      case 'decide':
        return step.actions.map((key, at) => ({ path: `${path}.actions[${at}]`, kind: 'action', key }));
      case 'start_journey':
        return [{ path: `${path}.journey`, kind: 'journey', key: step.journey }];
      case 'webhook':
        return [{ path: `${path}.endpoint`, kind: 'endpoint', key: step.endpoint }];
      case 'wait':
      case 'wait_for':
      case 'branch':
      case 'split':
      case 'update_user':
      case 'goal':
      case 'end':
        return [];
    }
  });
}

function messageTemplates(step: MessageDto, path: string): readonly NamedThing[] {
  if (step.channel !== 'best') {
    return [{ path: `${path}.template`, kind: 'template', key: step.template, channel: step.channel }];
  }
  return step.choices.map(({ channel, template: key }, at) => ({
    ...{ path: `${path}.choices[${at}].template`, kind: 'template', key, channel },
  }));
}

/** The fault to tell of a thing that does not exist. */
export function unknownThing({ path, kind, key }: NamedThing): { readonly path: string; readonly message: string } {
  return { path, message: `there is no ${NOUNS[kind]} "${key}"` };
}

interface Fault {
  readonly path: string;
  readonly message: string;
}

/** The fault to tell of a template that is for another channel than its step. */
export function otherChannel(
  { path, key, channel }: NamedThing,
  uses: ReadonlyMap<string, TemplateUse>,
): readonly Fault[] {
  const own = uses.get(key)?.channel;
  if (channel === undefined || own === undefined || own === channel) return [];
  return [{ path, message: `the message template "${key}" is for ${own}, and the step for ${channel}` }];
}

/** The faults to tell of messages that are to be one, and rest on something else: their gates would choose, not the person. */
export function otherUses({ steps }: JourneyDefinitionDto, uses: ReadonlyMap<string, TemplateUse>): readonly Fault[] {
  return steps.flatMap((step, index): readonly Fault[] => {
    if (step.kind !== 'message' || step.channel !== 'best') return [];
    const [first, ...others] = messageTemplates(step, `steps[${index}]`);
    const use = uses.get(first?.key ?? '');
    return others.flatMap(({ path, key }) => {
      const own = uses.get(key);
      if (use === undefined || own === undefined || isSameUse(use, own)) return [];
      const [said, expected] = [own, use].map(({ purpose, legalBasis }) => `${purpose}, by ${legalBasis}`);
      return [
        { path, message: `the message template "${key}" is for ${said}, and that of the first choice for ${expected}` },
      ];
    });
  });
}

const isSameUse = (one: TemplateUse, other: TemplateUse): boolean =>
  one.purpose === other.purpose && one.legalBasis === other.legalBasis;
