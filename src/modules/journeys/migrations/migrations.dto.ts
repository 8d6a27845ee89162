import { z } from 'zod';
import { definitionKey } from '../../../platform/http/fields.js';
import { pageFields, pageOf } from '../../../platform/http/paging.js';

const STEPS_MAX = 200;
const PER_SECOND_MAX = 500;
const PER_SECOND_DEFAULT = 50;

const version = z.number().int().min(1).max(1_000_000);
const count = z.number().int();
const keep = z.enum(['wait', 'restart']).meta({
  description: 'wait: what the run waits for goes on as the wait of the new step. restart: the new step is entered.',
});

const Target = z.union([definitionKey, z.strictObject({ step: definitionKey, keep: keep.optional() })]);

const example = {
  from_version: 1,
  to_version: 2,
  steps: { pause: 'pause', offer: { step: 'hello', keep: 'restart' } },
};

export const MigrationRequest = z
  .strictObject({
    from_version: version,
    to_version: version,
    steps: z
      .record(definitionKey, Target)
      .refine((steps) => Object.keys(steps).length > 0, 'at least one step')
      .refine((steps) => Object.keys(steps).length <= STEPS_MAX, `at most ${STEPS_MAX} steps`)
      .meta({
        description:
          'Where runs that stand at a step of the old version go on in the new one. Runs at any other step finish the old version. Left out, a wait is kept wherever the new step can take it over.',
      }),
    runs_per_second: z.number().int().min(1).max(PER_SECOND_MAX).default(PER_SECOND_DEFAULT),
    dry_run: z
      .boolean()
      .default(false)
      .meta({ description: 'Answers as the preview does, which takes the same body, and moves nobody.' }),
  })
  .meta({ id: 'MigrationRequest', example });
export type MigrationRequest = z.infer<typeof MigrationRequest>;

export const MigrationFilter = z.strictObject(pageFields);
export type MigrationFilter = z.infer<typeof MigrationFilter>;

const OUTCOMES = ['open', 'moved', 'stayed', 'failed', 'ended'] as const;

export const MigrationRunFilter = z.strictObject({
  ...pageFields,
  state: z.enum(OUTCOMES).optional().meta({ description: 'as the migration counts its runs', example: 'stayed' }),
});
export type MigrationRunFilter = z.infer<typeof MigrationRunFilter>;

const target = z.object({ step: z.string(), keep });

export const MigrationPreviewView = z
  .object({
    journey: z.string(),
    from_version: count,
    to_version: count,
    runs: z.object({
      all: count.meta({ description: 'that have not ended in the old version' }),
      to_move: count.meta({ description: 'that stand at a step with a target now' }),
      to_stay: count.meta({ description: 'that finish the old version, as far as can be told now' }),
      unknown: count.meta({ description: 'that have not told yet where they are' }),
      virtual: count.meta({ description: 'in virtual time: they always stay' }),
    }),
    steps: z.array(
      z.object({
        step: z.string(),
        kind: z.string(),
        runs: count.meta({ description: 'that stand there now' }),
        to: target.nullable(),
      }),
    ),
    unmapped: z.array(z.string()).meta({ description: 'steps where runs can wait and that lead nowhere' }),
  })
  .meta({ id: 'MigrationPreview' });
export type MigrationPreviewView = z.infer<typeof MigrationPreviewView>;

export const MigrationView = z
  .object({
    id: z.uuid(),
    journey: z.string(),
    from_version: count,
    to_version: count,
    steps: z.record(z.string(), target),
    status: z.enum(['running', 'done', 'cancelled']),
    runs_per_second: count,
    runs: z.object({
      open: count.meta({ description: 'told, and busy with something that must be over first' }),
      moved: count,
      stayed: count,
      failed: count.meta({ description: 'that nobody carries any more' }),
      ended: count.meta({ description: 'that ended before they could decide' }),
    }),
    stayed_because: z.record(z.string(), count).meta({ description: 'not_mapped, would_repeat, other_version' }),
    workflow_id: z.string().meta({ description: 'Finds the migration in the Temporal UI.' }),
    created_by: z.string(),
    created_at: z.iso.datetime(),
    finished_at: z.iso.datetime().nullable(),
  })
  .meta({ id: 'Migration' });
export type MigrationView = z.infer<typeof MigrationView>;
export const MigrationPage = pageOf(MigrationView);

/** A migration, or with `dry_run` its preview. */
export const MigrationAnswer = z.union([MigrationView, MigrationPreviewView]);

const step = z.string().nullable();

/** What became of a migration for one run. */
export const MigrationRunView = z
  .object({
    run_id: z.uuid(),
    user_id: z.uuid(),
    state: z.enum(OUTCOMES),
    reason: z.enum(['not_mapped', 'would_repeat', 'other_version']).nullable().meta({ description: 'why it stayed' }),
    from_step: step.meta({ description: 'where it stood when it decided' }),
    to_step: step.meta({ description: 'where it went on; null unless it moved' }),
    offered_at: z.iso.datetime().meta({ description: 'since when it heard what both versions react to' }),
    settled_at: z.iso.datetime().nullable().meta({ description: 'null while it is open' }),
  })
  .meta({ id: 'MigrationRun' });
export type MigrationRunView = z.infer<typeof MigrationRunView>;
export const MigrationRunPage = pageOf(MigrationRunView);
