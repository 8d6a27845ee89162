import { z } from 'zod';
import { definitionKey } from '../../platform/http/fields.js';
import { pageFields, pageOf } from '../../platform/http/paging.js';
import { Arbitration, HoldoutDefinition, Lever } from './choice-definitions.dto.js';
import { Cap, Fatigue, Pause } from './contact-definitions.dto.js';
import { LegalOverlay, QuietHours } from './quiet-definitions.dto.js';

const EXAMPLE = { kind: 'cap', limit: 1, window: { kind: 'calendar', unit: 'day' } };
/** Parts of addresses under /api/policies. */
const KEYS_TAKEN = new Set(['preview', 'wakes']);

const KINDS = ['cap', 'quiet_hours', 'legal_overlay', 'pause', 'fatigue', 'lever', 'arbitration', 'holdout'] as const;

/** A rule about how often and when people may be reached, or about how one message is chosen. */
export const PolicyDefinition = z
  .discriminatedUnion('kind', [Cap, QuietHours, LegalOverlay, Pause, Fatigue, Lever, Arbitration, HoldoutDefinition])
  .meta({ id: 'PolicyDefinition', example: EXAMPLE });
export type PolicyDefinition = z.infer<typeof PolicyDefinition>;
export type PolicyKind = PolicyDefinition['kind'];

export const NewPolicy = z
  .strictObject({
    key: definitionKey.refine((key) => !KEYS_TAKEN.has(key), 'stands for something else in addresses'),
    definition: PolicyDefinition,
  })
  .meta({ id: 'NewPolicy', example: { key: 'one_a_day', definition: EXAMPLE } });
export type NewPolicy = z.infer<typeof NewPolicy>;

export const PolicyFilter = z.strictObject({
  ...pageFields,
  kind: z.enum(KINDS).optional(),
  active: z
    .enum(['true', 'false'])
    .default('true')
    .transform((text) => text === 'true')
    .meta({
      description: '`true`: those in force. `false`: the last version of those that are not.',
      example: 'true',
    }),
});
export type PolicyFilter = z.infer<typeof PolicyFilter>;

export const VersionFilter = z.strictObject(pageFields);
export type VersionFilter = z.infer<typeof VersionFilter>;

export const PolicyView = z
  .object({
    id: z.uuid(),
    key: z.string(),
    version: z.number().int(),
    kind: z.enum(KINDS),
    is_active: z.boolean(),
    definition: z.unknown(),
    created_at: z.string().meta({ description: 'In force from here on.' }),
    deactivated_at: z.string().nullable().meta({ description: 'In force up to here; null while it is.' }),
  })
  .meta({ id: 'Policy' });
export type PolicyView = z.infer<typeof PolicyView>;

const PolicyWarning = z.object({ path: z.string(), message: z.string() });
export type PolicyWarning = z.infer<typeof PolicyWarning>;

/** A policy as it was put in force. */
export const WrittenPolicyView = PolicyView.extend({
  warnings: z.array(PolicyWarning).meta({
    description: 'Purposes, tags, groups and issues that no template or action has (yet): of these it says nothing.',
  }),
}).meta({ id: 'WrittenPolicy' });
export type WrittenPolicyView = z.infer<typeof WrittenPolicyView>;

export const PolicyPage = pageOf(PolicyView);

/** What a wake is at, for whoever watches it. */
export const WakeView = z
  .object({
    id: z.uuid(),
    policy_key: z.string(),
    because: z.string(),
    runs_total: z.number().int().meta({ description: 'Runs that waited when the policy changed.' }),
    runs_woken: z.number().int().meta({ description: 'May be more: runs that came to wait meanwhile are woken too.' }),
    per_second: z.number().int(),
    started_at: z.string(),
    finished_at: z.string().nullable(),
  })
  .meta({ id: 'PolicyWake' });
export type WakeView = z.infer<typeof WakeView>;

export const WakePage = pageOf(WakeView);
