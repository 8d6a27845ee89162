import { z } from 'zod';

/** Ways that a result tells of; there may be as many as runs. */
export const PATHS_SHOWN_MAX = 20;

const count = z.number().int();
const counts = z.record(z.string(), count);

const DayView = z.object({
  date: z.string().meta({ description: 'In UTC.' }),
  entered: count,
  sent: z.record(z.string(), counts).meta({ description: 'By step, then by action.' }),
  silences: counts.meta({ description: 'By reason.' }),
  put_off: counts.meta({ description: 'By reason; a message may be put off more than once.' }),
});

const StepView = z.object({
  entered: count,
  sent: count,
  refused: counts.meta({ description: 'Messages that will not go out, by reason.' }),
  next: counts.meta({ description: 'Where runs went from here.' }),
  ended: count.meta({ description: 'Runs that ended here.' }),
  unfinished: count.meta({ description: 'Runs that were still here when the time was over.' }),
});

const EndView = z.object({ outcome: z.string(), reason: z.string(), count });
const PathView = z.object({ steps: z.array(z.string()), count });
const CapView = z.object({ refused: count, put_off: count });

const figures = {
  users: count.meta({ description: 'Users that were lived through.' }),
  users_missing: count.meta({ description: 'Users that were named and do not exist, or were erased.' }),
  decisions: count,
  sent: count,
  cost: z.number().meta({ description: 'Sum of the channel costs of what was sent.' }),
  days: z.array(DayView),
  steps: z.record(z.string(), StepView),
  paths: z
    .array(PathView)
    .meta({ description: `The ${PATHS_SHOWN_MAX} most frequent ways; of a long one its first 50 steps.` }),
  ends: z.array(EndView),
  caps: z.record(z.string(), CapView).meta({ description: 'How often each cap stood in the way, as `key@version`.' }),
  acts: counts.meta({ description: 'What was done on paper besides messages, by kind.' }),
  goals: counts,
};

export const SimulationFigures = z.object(figures).meta({ id: 'SimulationFigures' });
export type SimulationFigures = z.infer<typeof SimulationFigures>;

const Differences = z.object({
  sent: count,
  cost: z.number(),
  silences: counts.meta({ description: 'By reason, over all days.' }),
  put_off: counts.meta({ description: 'By reason, over all days.' }),
  caps: z.record(z.string(), CapView).meta({ description: 'By `key@version`.' }),
  days: z.array(z.object({ date: z.string(), entered: count, sent: count, silences: count, put_off: count })),
  steps: z.record(
    z.string(),
    z.object({
      entered: count,
      sent: count,
      refused: count,
      reasons: counts.meta({ description: 'Why they were refused.' }),
    }),
  ),
  paths: z.array(PathView).meta({
    description: `The ${PATHS_SHOWN_MAX} ways that change most, of all that were taken; of a long one its first 50 steps.`,
  }),
  ends: z.array(EndView),
});
export type Differences = z.infer<typeof Differences>;

const Comparison = z.object({
  version: count,
  differences: Differences.meta({
    description: 'The other version minus this one. What does not differ is left out.',
  }),
  result: SimulationFigures,
});

export const SimulationResult = z
  .object({
    ...figures,
    duration_ms: count,
    assumptions: z.array(z.string()),
    comparison: Comparison.optional(),
  })
  .meta({ id: 'SimulationResult' });
export type SimulationResult = z.infer<typeof SimulationResult>;
