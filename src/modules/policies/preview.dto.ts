import { z } from 'zod';
import { HoldoutDefinition } from './choice-definitions.dto.js';
import { Cap, Fatigue, Pause } from './contact-definitions.dto.js';
import { LegalOverlay, QuietHours } from './quiet-definitions.dto.js';

const DAYS_MAX = 92;
const DAYS_DEFAULT = 30;

/** What the score costs, the arbitration weighs against candidates, and those of past decisions are not replayed. */
const FatigueThreshold = Fatigue.refine(({ threshold }) => threshold !== null, {
  error: 'without a threshold the score stops nothing by itself: what its cost does cannot be told from past contacts',
  path: ['threshold'],
});

/** Nobody is held out before it is known by which hash. */
const SaltedHoldout = HoldoutDefinition.refine(({ salt }) => salt !== undefined, {
  error: 'the salt decides who is held out: name it, or the key that the policy is to have',
  path: ['salt'],
});

const Previewed = z
  .discriminatedUnion('kind', [Cap, QuietHours, LegalOverlay, Pause, FatigueThreshold, SaltedHoldout], {
    error: ({ input }) =>
      isChoice(input)
        ? 'levers and the arbitration choose among messages and stop none by themselves: there is nothing to preview'
        : undefined,
  })
  .meta({
    description:
      'Of the kinds that stop contacts. A fatigue model needs its `threshold`, a holdout its `salt` (without one of its own, the key of the policy).',
  });

/** A rule that is only thought of, and the contacts on which to try it. */
export const PreviewRequest = z
  .strictObject({
    definition: Previewed,
    days: z.number().int().min(1).max(DAYS_MAX).default(DAYS_DEFAULT).meta({ description: 'How far to look back.' }),
    sample: z
      .number()
      .gt(0)
      .max(1)
      .default(1)
      .meta({ description: 'Share of the users to look at, always the same ones. 1: everybody.' }),
  })
  .meta({
    id: 'PolicyPreviewRequest',
    example: { definition: { kind: 'cap', limit: 3, window: { kind: 'calendar', unit: 'week' } }, days: 30 },
  });
export type PreviewRequest = z.infer<typeof PreviewRequest>;

const count = z.number().int();

export const PreviewView = z
  .object({
    users: count.meta({ description: 'Users that were contacted in the period.' }),
    contacts: count.meta({ description: 'Contacts with them in the period that rest on consent.' }),
    would_stop: count.meta({ description: 'How many of these the rule would have stopped or put off.' }),
    would_stop_share: z.number(),
    by_channel: z.array(z.object({ channel: z.string(), contacts: count, would_stop: count })),
    by_journey: z
      .array(z.object({ journey: z.string().nullable(), contacts: count, would_stop: count }))
      .meta({ description: 'The 100 with the most contacts stopped.' }),
    by_day: z
      .array(z.object({ date: z.string(), contacts: count, would_stop: count }))
      .meta({ description: 'By date in UTC, oldest first.' }),
    from: z.string(),
    until: z.string(),
    took_ms: count,
  })
  .meta({ id: 'PolicyPreview' });
export type PreviewView = z.infer<typeof PreviewView>;

function isChoice(input: unknown): boolean {
  const { kind } = (input ?? {}) as { readonly kind?: unknown };
  return kind === 'lever' || kind === 'arbitration';
}
