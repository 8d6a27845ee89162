import { z } from 'zod';

export const TriggersView = z
  .object({
    data: z.array(
      z.object({
        trigger: z.unknown().meta({ description: 'As the definition has it.' }),
        next_firings: z.array(z.iso.datetime()).nullable().meta({
          description:
            'Of a schedule, the next ones; null while the journey lets nobody in, or the server does not answer. By the clocks of users: when the first of them comes to that day.',
        }),
      }),
    ),
  })
  .meta({ id: 'JourneyTriggers' });
export type TriggersView = z.infer<typeof TriggersView>;
