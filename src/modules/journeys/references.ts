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

function messageTemplates({ channel, template, choices = [] }: MessageDto, path: string): readonly NamedThing[] {
  const own =
    template === undefined ? [] : [{ path: `${path}.template`, kind: 'template' as const, key: template, channel }];
  const others = choices.map((choice, at) => ({
    path: `${path}.choices[${at}].template`,
    kind: 'template' as const,
    key: choice.template,
    channel: choice.channel,
  }));
  return [...own, ...others];
}

/** The fault to tell of a thing that does not exist. */
export function unknownThing({ path, kind, key }: NamedThing): { readonly path: string; readonly message: string } {
  return { path, message: `there is no ${NOUNS[kind]} "${key}"` };
}

/** The fault to tell of a template that is for another channel than its step. */
export function otherChannel(
  { path, key, channel }: NamedThing,
  channels: ReadonlyMap<string, string>,
): readonly { readonly path: string; readonly message: string }[] {
  const own = channels.get(key);
  if (channel === undefined || own === undefined || own === channel) return [];
  return [{ path, message: `the message template "${key}" is for ${own}, and the step for ${channel}` }];
}
